import ChaosCore

/// One node on the timeline: thick lines for states, strokes for what it wrote.
struct NodeLane {
    /// More strokes than this for one node make a large file and say nothing more.
    private static let strokes = 240

    private let log: LogExcerpt
    private let spans: [NodeSpan]
    /// The lines that the page shows, to which strokes lead.
    private let shown: [LogLine]

    /// The lane of a node; `nil` of one that wrote nothing and only ran.
    ///
    /// That all nodes end with the run says nothing, and is left out.
    init?(_ log: LogExcerpt, elapsed: Duration) {
        self.log = log
        self.spans = log.states.filter { $0.from < elapsed.inSeconds }
        let isDull = self.spans.allSatisfy { $0.state == "starting" || $0.state == "ready" }
        if isDull && log.histogram.bins.isEmpty { return nil }
        self.shown = log.lines
    }

    func parts(in row: Int, _ axes: Timeline.Axes, _ elapsed: Duration) -> [String] {
        let top = Timeline.lanesTop + Double(row) * Timeline.laneHeight
        let name = SVG.text(self.log.node, x: Timeline.left - 6, y: top + 11, anchor: "end")
        return [name] + self.states(at: top + 7, axes, elapsed) + self.strokes(at: top, axes)
    }

    private func states(
        at y: Double, _ axes: Timeline.Axes, _ elapsed: Duration
    ) -> [String] {
        self.spans.compactMap { span in
            guard let style = span.style else { return nil }
            let (from, to) = (axes.x(span.from), axes.x(span.to ?? elapsed.inSeconds))
            let title = Markup.escaped("\(span.node) \(span.state)")
            return SVG.line(style, from, y, max(to, from + 1.5), y).dropLast(2)
                + "><title>\(title)</title></line>"
        }
    }

    /// What stands so close together that it is one stroke.
    private func columns(_ axes: Timeline.Axes) -> [LogHistogram.Bin] {
        var columns = Array(repeating: LogHistogram.Bin(), count: Self.strokes)
        for bin in self.log.histogram.bins {
            guard let seconds = bin.sample?.seconds else { continue }
            let share = min(max(seconds / axes.seconds, 0), 1)
            columns[min(Int(share * Double(Self.strokes)), Self.strokes - 1)].merge(bin)
        }
        return columns
    }

    private func strokes(at y: Double, _ axes: Timeline.Axes) -> [String] {
        let columns = self.columns(axes)
        let most = columns.map(\.count).max() ?? 0
        return columns.compactMap { column in
            guard let sample = column.sample else { return nil }
            // One line among many is seen, too.
            let height = 4 + 9 * Double(column.count) / Double(most)
            let title =
                "\(self.log.node) \(SVG.number(sample.seconds)) s, \(counted(column.count, "line"))"
                + (column.trouble > 0 ? ", \(column.trouble) read like trouble" : "")
                + "\n\(sample.source.rawValue) \(sample.text)"
            let stroke = SVG.rectangle(
                column.trouble > 0 ? "log trouble" : "log", x: axes.x(sample.seconds),
                y: y + 14 - height, width: 2, height: height, title: title)
            let target = Markup.escaped(LogSection.anchor(self.log.node, sample, among: self.shown))
            return "<a href=\"#\(target)\">\(stroke)</a>"
        }
    }
}
