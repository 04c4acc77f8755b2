import ChaosCore

/// What all drawings write alike.
enum SVG {
    /// A number with at most two decimals.
    static func number(_ value: Double) -> String {
        let hundredths = (value * 100).rounded()
        guard hundredths.isFinite, hundredths.magnitude < 1e15 else { return "0" }
        return Decimals.text(Int64(hundredths), per: 100)
    }

    /// A drawing of so many units, which scales with the page.
    static func drawing(
        _ width: Double, _ height: Double, label: String, class name: String = "",
        _ parts: [String]
    ) -> String {
        let size = "\(Self.number(width)) \(Self.number(height))"
        return "<svg viewBox=\"0 0 \(size)\" role=\"img\""
            + (name.isEmpty ? "" : " class=\"\(name)\"")
            + " aria-label=\"\(Markup.escaped(label))\">\n\(parts.joined(separator: "\n"))\n</svg>"
    }

    static func line(
        _ name: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double,
        _ more: String = ""
    ) -> String {
        "<line class=\"\(name)\" x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\""
            + " x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\"\(more)/>"
    }

    static func rectangle(
        _ name: String, x: Double, y: Double, width: Double, height: Double, title: String = ""
    ) -> String {
        let start =
            "<rect class=\"\(name)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
            + " width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
        return title.isEmpty
            ? start + "/>" : start + "><title>\(Markup.escaped(title))</title></rect>"
    }

    /// - Parameter anchor: `start`, `middle` or `end`.
    static func text(
        _ text: String, x: Double, y: Double, anchor: String = "start", class name: String = ""
    ) -> String {
        "<text\(name.isEmpty ? "" : " class=\"\(name)\"") x=\"\(Self.number(x))\""
            + " y=\"\(Self.number(y))\""
            + (anchor == "start" ? "" : " text-anchor=\"\(anchor)\"")
            + ">\(Markup.escaped(text))</text>"
    }
}
