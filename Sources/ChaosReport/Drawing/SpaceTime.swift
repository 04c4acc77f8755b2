import ChaosCore

/// A space-time diagram (Lamport 1978): a line for each participant, time downwards, an arrow for each
/// message from when it was sent to when it arrived.
///
/// Time is stretched where much happens and shortened where nothing does, so that every message can be
/// told from its neighbours; the labels at the left say when it is.
struct SpaceTime {
    /// More messages make a drawing that browsers are slow with.
    static let mostMessages = 5000

    private let messages: [MessageLog.Message]
    private let total: Int
    private let participants: [String]
    private let types: [String]
    private let axis: Axis
    private let spans: [NodeSpan]
    private let faults: [RunResult.Fault]
    private let elapsed: Double

    private static let left = 70.0
    private static let top = 26.0
    private static let column = 110.0

    /// - Parameters:
    ///   - participants: Who comes first from left to right; others follow as they appear.
    ///   - most: How many messages are drawn at most, the first ones.
    init(
        _ log: MessageLog, participants: [String], spans: [NodeSpan], faults: [RunResult.Fault],
        elapsed: Duration, most: Int = Self.mostMessages
    ) {
        self.messages = Array(log.messages.prefix(most))
        self.total = log.messages.count
        let seen = log.participants
        self.participants =
            participants.filter { seen.contains($0) }
            + seen.filter { !participants.contains($0) }
        var types: [String] = []
        for message in self.messages {
            if let type = message.type, !types.contains(type) { types.append(type) }
        }
        self.types = types
        self.spans = spans
        self.faults = faults
        self.elapsed = elapsed.inSeconds
        self.axis = Axis(self.messages.flatMap { [$0.sent] + $0.arrivals })
    }

    /// Whether there is nothing to draw.
    var isEmpty: Bool { self.messages.isEmpty }

    /// What the filter can choose from: by class of the messages.
    var filters: [(name: String, label: String)] {
        self.participants.enumerated().map { ("p\($0.offset)", $0.element) }
            + self.types.prefix(40).enumerated().map { ("t\($0.offset)", "type \($0.element)") }
            + [("fine", "those that arrived once")]
    }

    /// What the drawing leaves out.
    var note: String {
        let rest = self.total - self.messages.count
        return rest == 0 ? "" : "The first \(self.messages.count) of \(self.total) are drawn."
    }

    private var width: Double { Self.left + Self.column * Double(self.participants.count) }
    private var height: Double { Self.top + self.axis.length + 16 }

    private func x(_ name: String) -> Double {
        let place = self.participants.firstIndex(of: name) ?? 0
        return Self.left + Self.column * (Double(place) + 0.5)
    }

    private func y(_ seconds: Double) -> Double { Self.top + self.axis.place(of: seconds) }

    /// The drawing.
    var svg: String {
        SVG.drawing(
            self.width, self.height, label: "messages over time", class: "spacetime",
            self.bands + self.lives + self.labels + self.messages.flatMap(self.arrows))
    }

    /// The drawing as a file of its own.
    var file: String {
        let style = "<style>\(StyleSheet.colours)\n\(StyleSheet.drawing)</style>"
        let svg = self.svg
        guard let end = svg.firstIndex(of: ">") else { return svg }
        let size = "width=\"\(SVG.number(self.width))\" height=\"\(SVG.number(self.height))\""
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)" + svg[..<end].dropFirst(4)
            + ">" + style + svg[svg.index(after: end)...] + "\n"
    }

    // MARK: - What lies behind the messages

    private var bands: [String] {
        self.faults.flatMap { fault -> [String] in
            let from = self.y(fault.begin.sinceStart.inSeconds)
            let to = self.y((fault.end?.sinceStart.inSeconds ?? self.elapsed))
            if to <= from { return [] }
            let title = "\(fault.id): \(fault.text)"
            return [
                SVG.rectangle(
                    "band", x: Self.left, y: from, width: self.width - Self.left,
                    height: to - from, title: title)
            ]
        }
    }

    private var lives: [String] {
        let bottom = Self.top + self.axis.length + 8
        var parts: [String] = []
        for name in self.participants {
            let x = self.x(name)
            parts.append(SVG.text(name, x: x, y: 14, anchor: "middle"))
            parts.append(SVG.line("life", x, Self.top - 6, x, bottom))
        }
        for span in self.spans {
            guard let style = span.style, self.participants.contains(span.node) else { continue }
            let x = self.x(span.node)
            let (from, to) = (self.y(span.from), self.y(span.to ?? self.elapsed))
            if to <= from { continue }
            let title = "<title>\(Markup.escaped("\(span.node) \(span.state)"))</title>"
            parts.append(
                SVG.line(style, x, from, x, to).dropLast(2) + ">\(title)</line>")
        }
        return parts
    }

    private var labels: [String] {
        self.axis.labels.map { label in
            SVG.text(
                Self.time(label.seconds), x: Self.left - 10, y: Self.top + label.place + 4,
                anchor: "end", class: "when")
        }
    }

    // MARK: - Messages

    private func arrows(_ message: MessageLog.Message) -> [String] {
        let (from, to) = (self.x(message.source), self.x(message.target))
        let sent = self.y(message.sent)
        let classes = self.classes(of: message)
        let fate: String
        var shape: String
        if let fault = message.lostTo {
            // It goes half the way, to a cross.
            let x = (from + to) / 2
            let y = sent + 6
            fate = "lost to \(fault)"
            shape =
                "M\(Self.point(from, sent)) L\(Self.point(x, y))"
                + " M\(Self.point(x - 4, y - 4)) l8 8 m0 -8 l-8 8"
        } else if message.arrivals.isEmpty {
            fate = "did not arrive"
            shape = "M\(Self.point(from, sent)) L\(Self.point((from + to) / 2, sent + 6))"
        } else {
            let times = message.arrivals.map { "\(SVG.number(($0 - message.sent) * 1000)) ms" }
            fate = "arrived after \(times.joined(separator: " and "))"
            shape = message.arrivals.map { arrival in
                let y = self.y(arrival)
                let back = to > from ? -7.0 : 7
                return "M\(Self.point(from, sent)) L\(Self.point(to, y))"
                    + " l\(SVG.number(back)) -3 m\(SVG.number(-back)) 3 l\(SVG.number(back)) 3"
            }.joined(separator: " ")
        }
        let title =
            "\(message.source) → \(message.target) \(message.type ?? "")"
            + " at \(Self.time(message.sent)), \(fate)\n\(message.text)"
        return [
            "<path class=\"\(classes)\" d=\"\(shape)\">"
                + "<title>\(Markup.escaped(title))</title></path>"
        ]
    }

    private func classes(of message: MessageLog.Message) -> String {
        var names = ["message"]
        if message.lostTo != nil {
            names.append("lost")
        } else {
            switch message.arrivals.count {
            case 0: names.append("never")
            case 1: names.append("fine")
            default: names.append("twice")
            }
        }
        for (index, name) in self.participants.enumerated()
        where name == message.source || name == message.target { names.append("p\(index)") }
        if let type = message.type, let index = self.types.firstIndex(of: type) {
            names.append("t\(index)")
        }
        return names.joined(separator: " ")
    }

    private static func point(_ x: Double, _ y: Double) -> String {
        "\(SVG.number(x)) \(SVG.number(y))"
    }

    /// Seconds with milliseconds.
    private static func time(_ seconds: Double) -> String {
        let milliseconds = Int64((seconds * 1000).rounded())
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
            + " s"
    }

    /// Where moments are on the paper.
    private struct Axis {
        private var seconds: [Double] = []
        private var places: [Double] = []

        /// Moments stand at least as far apart, and no gap is longer than so much.
        private static let gaps = 1.5...30.0
        /// As much paper a second, between those.
        private static let unitsPerSecond = 2000.0
        private static let labelGap = 40.0

        init(_ moments: [Double]) {
            var place = 0.0
            for moment in moments.sorted() {
                if let last = self.seconds.last {
                    if moment == last { continue }
                    let wish = (moment - last) * Self.unitsPerSecond
                    place += min(max(wish, Self.gaps.lowerBound), Self.gaps.upperBound)
                }
                self.seconds.append(moment)
                self.places.append(place)
            }
        }

        var length: Double { self.places.last ?? 0 }

        /// Moments between two known ones stand between them, those outside at the ends.
        func place(of moment: Double) -> Double {
            var (low, high) = (0, self.seconds.count)
            while low < high {
                let middle = (low + high) / 2
                if self.seconds[middle] < moment { low = middle + 1 } else { high = middle }
            }
            if low == self.seconds.count { return self.length }
            if low == 0 || self.seconds[low] == moment { return self.places[low] }
            let share =
                (moment - self.seconds[low - 1]) / (self.seconds[low] - self.seconds[low - 1])
            return self.places[low - 1] + share * (self.places[low] - self.places[low - 1])
        }

        var labels: [(seconds: Double, place: Double)] {
            var labels: [(seconds: Double, place: Double)] = []
            for (moment, place) in zip(self.seconds, self.places) {
                if let last = labels.last, place - last.place < Self.labelGap { continue }
                labels.append((moment, place))
            }
            return labels
        }
    }
}
