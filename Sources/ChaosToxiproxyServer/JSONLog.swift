import ChaosCore
import Foundation
import Logging

/// Writes what happens as one JSON object a line on standard output, as Toxiproxy does.
package struct JSONLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let label: String

    package init(label: String, level: Logger.Level) {
        self.label = label
        self.logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// The level that Toxiproxy's `LOG_LEVEL` means; without one everything is told.
    package static func level(_ text: String?) -> Logger.Level {
        switch text {
        case "panic", "fatal": .critical
        case "error": .error
        case "warn": .warning
        case "info": .info
        case "debug": .debug
        default: .trace
        }
    }

    package func log(event: LogEvent) {
        var object: [(String, String)] = [
            ("level", Self.word(event.level)), ("caller", self.label),
            ("time", Date().ISO8601Format()),
        ]
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            object.append((key, "\(value)"))
        }
        object.append(("message", "\(event.message)"))
        let members = object.map { Self.quoted($0.0) + ":" + Self.quoted($0.1) }
        let line = "{" + members.joined(separator: ",") + "}\n"
        // Nobody may read any more; that ends no traffic.
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func word(_ level: Logger.Level) -> String {
        switch level {
        case .warning: "warn"
        case .notice: "info"
        case .critical: "fatal"
        default: "\(level)"
        }
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}
