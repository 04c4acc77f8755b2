import ChaosCore
import NodeKit

/// A page of metrics in Prometheus's text format, version 0.0.4.
struct MetricsPage: Sendable {
    enum Kind: String, Sendable {
        /// Only grows.
        case counter
        /// Goes up and down.
        case gauge
    }

    private(set) var text = ""

    /// Adds a metric that has one value.
    mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int64) {
        self.add(name, kind, help, [("", value)])
    }

    /// Adds a metric with a value for each of some labels, such as `station="n2"`.
    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ values: [(labels: String, value: Int64)]
    ) {
        self.text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for (labels, value) in values {
            self.text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
        }
    }
}

extension Effect {
    /// Answers a request with metrics.
    static func respond(to request: HTTPRequest, _ page: MetricsPage) -> Effect {
        .respond(
            to: request, 200, page.text,
            headers: ["content-type": "text/plain; version=0.0.4; charset=utf-8"])
    }
}
