import ChaosCheckers
import ChaosCore

/// The drawing of a run: each operation by when it began and how long it took, how many there were, the
/// nodes' states and what they wrote, and the faults.
struct Timeline {
    /// More points make a file that browsers are slow with and eyes cannot tell apart.
    static let mostPoints = 4000
    /// Below the plot each fault has a line of its own, up to so many.
    static let mostLanes = 40

    /// The drawing.
    let svg: String
    /// How to read the drawing, and what it leaves out.
    let note: String

    /// Each node has a line of its own, too, up to so many.
    static let mostNodes = 60

    static let width = 1000.0
    static let left = 64.0
    static let right = 12.0
    private static let top = 10.0
    private static let plotHeight = 260.0
    static let laneHeight = 18.0
    /// Below the plot a strip shows how many operations ended, in so many steps.
    private static let stripHeight = 56.0
    private static let steps = 120
    /// Where the strip, and below it the lanes, begin.
    private static let stripTop = Self.top + Self.plotHeight + 30
    static let lanesTop = Self.stripTop + Self.stripHeight + 10

    init(
        history: History, faults: [RunResult.Fault], logs: [LogExcerpt] = [], elapsed: Duration
    ) {
        let invocations = history.invocations
        let last = invocations.reduce(elapsed.inSeconds) {
            max($0, ($1.end ?? $1.begin).time.sinceStart.inSeconds)
        }
        let axes = Axes(seconds: max(last, 0.001), slowest: Self.slowest(invocations))
        let shown = Self.sampled(invocations)
        let lanes = faults.prefix(Self.mostLanes)
        let tellingNodes = logs.compactMap { NodeLane($0, elapsed: elapsed) }
        let nodes = tellingNodes.prefix(Self.mostNodes)
        let rows = nodes.count + lanes.count
        let height = Self.lanesTop + Double(rows) * Self.laneHeight + 8
        var parts = Self.bands(faults, axes, elapsed)
        parts += Self.grid(axes)
        parts += shown.map { Self.point($0, axes) }
        parts += Self.strip(invocations, axes)
        for (row, node) in nodes.enumerated() { parts += node.parts(in: row, axes, elapsed) }
        parts += Self.lanes(Array(lanes), below: nodes.count, axes, elapsed)
        self.svg = SVG.drawing(
            Self.width, height, label: "operations over time, with faults", parts)
        var note =
            "A dot is an operation: green ended ok, red failed, yellow is unknown; at the top"
            + " edge no answer came. Red shades are times of faults. The bars below count the"
            + " operations that ended."
        if !nodes.isEmpty {
            note +=
                " Beside a node's name thick lines are times when it was down (red), paused"
                + " (yellow) or starting; strokes are lines that it wrote, red ones read as if"
                + " something had gone wrong. Point at one to read it, click to find it below."
        }
        if nodes.count < tellingNodes.count {
            note += " \(nodes.count) of \(tellingNodes.count) nodes have a line."
        }
        if shown.count < invocations.count {
            note +=
                " \(shown.count) of \(invocations.count) operations are drawn, those first that"
                + " did not end ok."
        }
        if lanes.count < faults.count {
            note += " \(lanes.count) of \(faults.count) faults have a line; the table has all."
        }
        self.note = note
    }

    // MARK: - Points

    /// All operations that did not end ok, as far as there is room, and evenly chosen others, in
    /// order of time.
    private static func sampled(_ invocations: [Invocation]) -> [Invocation] {
        if invocations.count <= Self.mostPoints { return invocations }
        let odd = Self.evenly(invocations.filter { $0.outcome != .ok }, Self.mostPoints)
        let even = Self.evenly(
            invocations.filter { $0.outcome == .ok }, Self.mostPoints - odd.count)
        return odd + even
    }

    private static func evenly(_ invocations: [Invocation], _ count: Int) -> [Invocation] {
        if invocations.count <= count { return invocations }
        return (0..<count).map { invocations[$0 * invocations.count / count] }
    }

    private static func slowest(_ invocations: [Invocation]) -> Double {
        invocations.reduce(10) { max($0, Self.milliseconds($1) ?? 0) }
    }

    /// How long an operation took, if it ended.
    private static func milliseconds(_ invocation: Invocation) -> Double? {
        invocation.end.map { Double(($0.time - invocation.begin.time).wholeNanoseconds) / 1e6 }
    }

    private static func point(_ invocation: Invocation, _ axes: Axes) -> String {
        let begin = invocation.begin
        let took = Self.milliseconds(invocation)
        let x = SVG.number(axes.x(begin.time.sinceStart.inSeconds))
        // What never ended stands at the top edge.
        let y = SVG.number(took.map(axes.y) ?? Self.top)
        let time = took.map { "\(SVG.number($0)) ms" } ?? "no answer"
        let title =
            "\(begin.function) \(begin.value.text.prefix(60)) \(begin.node ?? "")"
            + " \(invocation.outcome.rawValue), \(time)"
            + (invocation.end?.error.map { ": \($0)" } ?? "")
        return "<circle class=\"\(invocation.outcome.rawValue)\" cx=\"\(x)\" cy=\"\(y)\" r=\"2\">"
            + "<title>\(Markup.escaped(title))</title></circle>"
    }

    // MARK: - Throughput

    /// How many operations ended in each step of time, by how they ended.
    private static func strip(_ invocations: [Invocation], _ axes: Axes) -> [String] {
        var counts = Array(repeating: [0, 0, 0], count: Self.steps)
        for invocation in invocations {
            guard let end = invocation.end else { continue }
            let share = end.time.sinceStart.inSeconds / axes.seconds
            let step = min(max(Int(share * Double(Self.steps)), 0), Self.steps - 1)
            let kind =
                switch invocation.outcome {
                case .fail: 2
                case .info: 1
                case .ok, .invoke: 0
                }
            counts[step][kind] += 1
        }
        let most = counts.map { $0[0] + $0[1] + $0[2] }.max() ?? 0
        if most == 0 { return [] }
        let bottom = Self.stripTop + Self.stripHeight
        let perSecond = Double(most) * Double(Self.steps) / axes.seconds
        var parts = [
            SVG.text(
                "\(SVG.number(perSecond.rounded()))/s", x: Self.left - 6, y: Self.stripTop + 8,
                anchor: "end"),
            SVG.line("axis", Self.left, bottom, Self.width - Self.right, bottom),
        ]
        let width = axes.x(axes.seconds / Double(Self.steps)) - axes.x(0)
        for (step, kinds) in counts.enumerated() {
            let x = axes.x(axes.seconds * Double(step) / Double(Self.steps))
            var y = bottom
            for (kind, style) in ["ok", "info", "fail"].enumerated() where kinds[kind] > 0 {
                let height = Self.stripHeight * Double(kinds[kind]) / Double(most)
                y -= height
                parts.append(
                    SVG.rectangle(
                        style, x: x, y: y, width: max(1, width - 1), height: height))
            }
        }
        return parts
    }

    // MARK: - Faults

    private static func bands(
        _ faults: [RunResult.Fault], _ axes: Axes, _ elapsed: Duration
    ) -> [String] {
        faults.map { fault in
            let (x, width) = Self.span(of: fault, axes, elapsed)
            return
                "<rect class=\"band\" x=\"\(x)\" y=\"\(SVG.number(Self.top))\" width=\"\(width)\""
                + " height=\"\(SVG.number(Self.stripTop + Self.stripHeight - Self.top))\"/>"
        }
    }

    private static func lanes(
        _ faults: [RunResult.Fault], below rows: Int, _ axes: Axes, _ elapsed: Duration
    ) -> [String] {
        faults.enumerated().map { lane, fault in
            let y = Self.lanesTop + Double(rows + lane) * Self.laneHeight
            let (x, width) = Self.span(of: fault, axes, elapsed)
            let title = Markup.escaped(
                "\(fault.id): \(fault.text), touched \(fault.touched), hits \(fault.hits)")
            let label = Markup.escaped("\(fault.id) \(fault.text)")
            return
                "<g><title>\(title)</title><rect class=\"bar\" x=\"\(x)\" y=\"\(SVG.number(y))\""
                + " width=\"\(width)\" height=\"\(SVG.number(Self.laneHeight - 4))\"/>"
                + "<text x=\"\(SVG.number(Self.left + 4))\" y=\"\(SVG.number(y + 11))\">"
                + "\(label)</text></g>"
        }
    }

    /// Where a fault begins and how wide it is; at least a hair, so that an instant is seen.
    private static func span(
        of fault: RunResult.Fault, _ axes: Axes, _ elapsed: Duration
    ) -> (x: String, width: String) {
        let from = axes.x(fault.begin.sinceStart.inSeconds)
        let to = axes.x((fault.end?.sinceStart ?? elapsed).inSeconds)
        return (SVG.number(from), SVG.number(max(1.5, to - from)))
    }

    // MARK: - Axes

    /// Seconds from left to right, milliseconds from bottom to top by powers of ten.
    struct Axes {
        let seconds: Double
        /// The powers of ten at which the scale of milliseconds begins and ends.
        let lowest = -2
        let highest: Int

        init(seconds: Double, slowest: Double) {
            self.seconds = seconds
            var highest = 1
            var limit = 10.0
            while limit < slowest, highest < 9 {
                limit *= 10
                highest += 1
            }
            self.highest = highest
        }

        func x(_ second: Double) -> Double {
            let share = min(max(second / self.seconds, 0), 1)
            return Timeline.left + share * (Timeline.width - Timeline.left - Timeline.right)
        }

        func y(_ milliseconds: Double) -> Double {
            let power = Timeline.logarithm(max(milliseconds, 0.01))
            let share = (power - Double(self.lowest)) / Double(self.highest - self.lowest)
            return Timeline.top + (1 - min(max(share, 0), 1)) * Timeline.plotHeight
        }
    }

    private static func grid(_ axes: Axes) -> [String] {
        var parts: [String] = []
        let bottom = Self.top + Self.plotHeight
        for power in axes.lowest...axes.highest {
            let value = Self.powerOfTen(power)
            let y = SVG.number(axes.y(value))
            let label = value < 1000 ? "\(SVG.number(value)) ms" : "\(SVG.number(value / 1000)) s"
            parts.append(
                "<line class=\"axis\" x1=\"\(SVG.number(Self.left))\" y1=\"\(y)\""
                    + " x2=\"\(SVG.number(Self.width - Self.right))\" y2=\"\(y)\"/>"
                    + "<text x=\"\(SVG.number(Self.left - 6))\" y=\"\(y)\" dy=\"4\""
                    + " text-anchor=\"end\">\(label)</text>")
        }
        let step = Self.step(for: axes.seconds)
        var second = 0.0
        while second <= axes.seconds {
            let x = SVG.number(axes.x(second))
            parts.append(
                "<text x=\"\(x)\" y=\"\(SVG.number(bottom + 16))\" text-anchor=\"middle\">"
                    + "\(SVG.number(second)) s</text>")
            second += step
        }
        return parts
    }

    /// A round number of seconds that divides the axis into at most ten parts.
    private static func step(for seconds: Double) -> Double {
        var step = 0.001
        while true {
            for factor in [1.0, 2, 5] where seconds / (step * factor) <= 10 { return step * factor }
            step *= 10
        }
    }

    private static func powerOfTen(_ power: Int) -> Double {
        power < 0
            ? (0 ..< -power).reduce(1) { value, _ in value / 10 }
            : (0..<power).reduce(1) { value, _ in value * 10 }
    }

    /// The decimal logarithm; precise enough to draw, and needs no C library.
    fileprivate static func logarithm(_ number: Double) -> Double {
        // number = significand · 2^exponent, and ln((1+y)/(1−y)) = 2(y + y³/3 + y⁵/5 + …).
        let y = (number.significand - 1) / (number.significand + 1)
        var power = y
        var sum = 0.0
        for odd in stride(from: 1.0, through: 15, by: 2) {
            sum += power / odd
            power *= y * y
        }
        let ln2 = 0.693_147_180_559_945_3
        let ln10 = 2.302_585_092_994_045_7
        return (2 * sum + Double(number.exponent) * ln2) / ln10
    }
}
