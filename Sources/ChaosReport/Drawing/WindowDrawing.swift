import ChaosCore

/// The window of a history in which a checker found no order: a bar for each operation.
struct WindowDrawing {
    private struct Bar {
        let process: Int64
        let label: String
        let from: Int64
        let to: Int64?
        let isCulprit: Bool
    }

    private let bars: [Bar]

    private static let left = 80.0
    private static let width = 1000.0
    private static let rowHeight = 24.0

    /// - Parameter failure: One of a linearizability checker's `failures`.
    init?(_ failure: JSONValue) {
        let culprit = failure["failed_index"]?.intValue
        let bars = (failure["window"]?.arrayValue ?? []).compactMap { bar -> Bar? in
            guard let process = bar["process"]?.intValue, let from = bar["from_index"]?.intValue
            else { return nil }
            let to = bar["to_index"]?.intValue
            return Bar(
                process: process, label: bar["operation"]?.stringValue ?? "", from: from, to: to,
                isCulprit: to != nil && to == culprit)
        }
        if bars.isEmpty { return nil }
        self.bars = bars
    }

    /// The drawing: columns are the events in order, which is all that linearizability looks at.
    var svg: String {
        let places = Set(self.bars.flatMap { [$0.from] + ($0.to.map { [$0] } ?? []) }).sorted()
        let step = (Self.width - Self.left - 20) / Double(max(1, places.count))
        func x(_ index: Int64) -> Double {
            Self.left + (Double(places.firstIndex(of: index) ?? 0) + 0.5) * step
        }
        // A process does one thing at a time, so its bars share a row; crashed ones never end.
        let processes = Set(self.bars.map(\.process)).sorted()
        var parts: [String] = []
        for (row, process) in processes.enumerated() {
            let y = 6 + Double(row) * Self.rowHeight
            parts.append(SVG.text("process \(process)", x: 0, y: y + 13))
            for bar in self.bars where bar.process == process {
                let from = x(bar.from)
                let to = bar.to.map(x) ?? Self.width
                let style = bar.isCulprit ? "bar" : bar.to == nil ? "band open" : "band"
                parts.append(
                    SVG.rectangle(
                        style, x: from, y: y, width: max(4, to - from), height: 18,
                        title: bar.label + (bar.to == nil ? ", never answered" : "")))
                parts.append(
                    SVG.text(
                        bar.label, x: from + 4, y: y + 13, class: bar.isCulprit ? "culprit" : ""))
            }
        }
        return SVG.drawing(
            Self.width, 12 + Double(processes.count) * Self.rowHeight,
            label: "the smallest window without an order", class: "window", parts)
    }
}
