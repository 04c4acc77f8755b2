import ChaosEngine
import CoreMetrics
import NIOConcurrencyHelpers

/// A backend of swift-metrics that keeps numbers and writes them in Prometheus' text format.
///
/// Times become histograms in seconds. What is only recorded has no form there and is left out.
final class PrometheusRegistry: MetricsFactory {
    private let cells = NIOLockedValueBox<[String: [String: Cell]]>([:])
    private let histograms = NIOLockedValueBox<[String: [String: Histogram]]>([:])
    /// What metrics mean, for those whose names do not say it.
    private let help: [String: String]

    init(help: [String: String] = [:]) { self.help = help }

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

    /// How long things took, with their labels.
    final class Histogram: TimerHandler {
        private let state = NIOLockedValueBox(LatencyHistogram())

        func recordNanoseconds(_ duration: Int64) {
            self.state.withLockedValue { $0.add(duration) }
        }

        /// Adds what somebody else has counted.
        func add(_ others: LatencyHistogram, since before: LatencyHistogram) {
            self.state.withLockedValue { $0.add(others, since: before) }
        }

        func text(_ label: String, _ labels: String) -> String {
            let state = self.state.withLockedValue { $0 }
            let begin = labels.isEmpty ? "" : labels.dropFirst().dropLast() + ","
            let bounds = LatencyHistogram.bounds.map { "\(Double($0) / 1e6)" } + ["+Inf"]
            var (text, total) = ("", 0)
            for (bound, count) in zip(bounds, state.counts) {
                total += count
                text += "\(label)_bucket{\(begin)le=\"\(bound)\"} \(total)\n"
            }
            text += "\(label)_sum\(labels) \(Double(state.nanoseconds) / 1e9)\n"
            return text + "\(label)_count\(labels) \(total)\n"
        }
    }

    func histogram(_ label: String, _ dimensions: [(String, String)]) -> Histogram {
        let key = Self.key(dimensions)
        return self.histograms.withLockedValue { histograms in
            if let histogram = histograms[label]?[key] { return histogram }
            let histogram = Histogram()
            histograms[label, default: [:]][key] = histogram
            return histogram
        }
    }

    private static func key(_ dimensions: [(String, String)]) -> String {
        let labels = dimensions.sorted { $0.0 < $1.0 }.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
        return labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
    }

    private func cell(_ kind: String, _ label: String, _ dimensions: [(String, String)]) -> Cell {
        let key = Self.key(dimensions)
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
        self.histogram(label, dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) { self.forget(handler as? Cell) }
    func destroyMeter(_ handler: any MeterHandler) { self.forget(handler as? Cell) }
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {
        guard let histogram = handler as? Histogram else { return }
        self.histograms.withLockedValue { histograms in
            for label in histograms.keys {
                histograms[label] = histograms[label]?.filter { $0.value !== histogram }
            }
        }
    }

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
            text += self.head(label, kind)
            for (labels, cell) in members.sorted(by: { $0.key < $1.key }) {
                text += "\(label)\(labels) \(cell.text)\n"
            }
        }
        let histograms = self.histograms.withLockedValue { $0 }
        for (label, members) in histograms.sorted(by: { $0.key < $1.key }) where !members.isEmpty {
            text += self.head(label, "histogram")
            for (labels, histogram) in members.sorted(by: { $0.key < $1.key }) {
                text += histogram.text(label, labels)
            }
        }
        return text
    }

    private func head(_ label: String, _ kind: String) -> String {
        "# HELP \(label) \(self.help[label] ?? "")\n# TYPE \(label) \(kind)\n"
    }
}
