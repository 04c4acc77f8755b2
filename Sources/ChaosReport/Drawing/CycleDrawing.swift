import ChaosCore

/// A cycle of transactions as a ring, out of the graph that a checker gives in the DOT language.
struct CycleDrawing {
    private struct Edge {
        let from: String
        let to: String
        let label: String
    }

    private var labels: [(name: String, label: String)] = []
    private var edges: [Edge] = []

    private static let width = 1000.0

    /// Reads `NAME [label="…"]` and `NAME -> NAME [label="…"]`, a statement a line, and nothing else of DOT.
    init?(dot: String) {
        for line in dot.split(separator: "\n") {
            let line = line.drop { $0 == " " || $0 == "\t" }
            guard let bracket = line.firstRange(of: "[label=\"") else { continue }
            let head = line[..<bracket.lowerBound].split(separator: " ").map {
                $0.filter { $0 != "\"" }
            }
            let label = Self.unescaped(line[bracket.upperBound...])
            if head.count == 3, head[1] == "->" {
                self.edges.append(Edge(from: head[0], to: head[2], label: label))
            } else if head.count == 1 {
                self.labels.append((head[0], label))
            }
        }
        if self.labels.isEmpty || self.edges.isEmpty { return nil }
    }

    /// The text up to the next quote that is not escaped.
    private static func unescaped(_ text: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                result.append(character == "n" ? " " : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                result.append(character)
            }
        }
        return result
    }

    /// The drawing: a row for each transaction, edges beside them.
    var svg: String {
        let rowHeight = 46.0
        func y(_ name: String) -> Double {
            20 + rowHeight * Double(self.labels.firstIndex { $0.name == name } ?? 0)
        }
        var parts: [String] = []
        for (name, label) in self.labels {
            parts.append(
                SVG.rectangle("node", x: 220, y: y(name) - 14, width: 600, height: 24, title: label)
            )
            parts.append(SVG.text(label, x: 228, y: y(name) + 2))
        }
        for (index, edge) in self.edges.enumerated() {
            let (from, to) = (y(edge.from), y(edge.to))
            // Downwards at the left, upwards at the right, further out the longer they are.
            let isDown = to > from
            let side = isDown ? 220.0 : 820
            let bulge = 24 + 12 * Double(abs(to - from) / rowHeight) + 4 * Double(index % 3)
            let out = isDown ? side - bulge : side + bulge
            let arrow = isDown ? "l-8 -4 m8 4 l-7 5" : "l8 -4 m-8 4 l7 5"
            parts.append(
                "<path class=\"edge\" d=\"M\(SVG.number(side)) \(SVG.number(from + 3))"
                    + " C\(SVG.number(out)) \(SVG.number(from)) \(SVG.number(out))"
                    + " \(SVG.number(to)) \(SVG.number(side)) \(SVG.number(to - 3)) \(arrow)\"/>")
            parts.append(
                SVG.text(
                    edge.label, x: out, y: (from + to) / 2 + 4, anchor: isDown ? "end" : "start"))
        }
        let height = 12 + rowHeight * Double(self.labels.count)
        return SVG.drawing(
            Self.width, height, label: "a cycle of transactions", class: "cycle", parts)
    }
}
