import CoreMetrics
import NIOConcurrencyHelpers

/// A backend of swift-metrics that keeps numbers and writes them in Prometheus' text format.
///
/// What is only recorded or timed has no form there yet and is left out.
final class PrometheusRegistry: MetricsFactory {
    private let cells = NIOLockedValueBox<[String: [String: Cell]]>([:])

    /// One number with its labels.
    final class Cell: CounterHandler, MeterHandler {
        let kind: String
        private let value = NIOLockedValueBox(0.0)

        init(kind: String) { self.kind = kind }

        func increment(by amount: Int64) { self.value.withLockedValue { $0 += Double(amount) } }
        func reset() { self.value.withLockedValue { $0 = 0 } }
        func set(_ value: Int64) { self.set(Double(value)) }
        func set(_ value: Double) { self.value.withLockedValue { $0 = value } }
        func increment(by amount: Double) { self.value.withLockedValue { $0 += amount } }
        func decrement(by amount: Double) { self.value.withLockedValue { $0 -= amount } }

        var text: String {
            let value = self.value.withLockedValue { $0 }
            return value == value.rounded() && value.magnitude < 1e15
                ? String(Int64(value)) : "\(value)"
        }
    }

    private func cell(_ kind: String, _ label: String, _ dimensions: [(String, String)]) -> Cell {
        let labels = dimensions.sorted { $0.0 < $1.0 }.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
        let key = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
        return self.cells.withLockedValue { cells in
            if let cell = cells[label]?[key] { return cell }
            let cell = Cell(kind: kind)
            cells[label, default: [:]][key] = cell
            return cell
        }
    }

    /// A label's value (Prometheus, exposition formats).
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            .replacing("\"", with: "\\\"")
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.cell("counter", label, dimensions)
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.cell("gauge", label, dimensions)
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler { NOOPMetricsHandler.instance }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        NOOPMetricsHandler.instance
    }

    func destroyCounter(_ handler: any CounterHandler) { self.forget(handler as? Cell) }
    func destroyMeter(_ handler: any MeterHandler) { self.forget(handler as? Cell) }
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func forget(_ cell: Cell?) {
        guard let cell else { return }
        self.cells.withLockedValue { cells in
            for label in cells.keys { cells[label] = cells[label]?.filter { $0.value !== cell } }
        }
    }

    /// All numbers.
    var text: String {
        let cells = self.cells.withLockedValue { $0 }
        var text = ""
        for (label, members) in cells.sorted(by: { $0.key < $1.key }) {
            guard let kind = members.values.first?.kind else { continue }
            text += "# HELP \(label) \n# TYPE \(label) \(kind)\n"
            for (labels, cell) in members.sorted(by: { $0.key < $1.key }) {
                text += "\(label)\(labels) \(cell.text)\n"
            }
        }
        return text
    }
}
