import ChaosCheckers
import ChaosCore
import Synchronization

/// Takes down what a program outside reports about its own operations, one JSON object a line.
///
/// `{"type": "invoke", "f": "add", "value": 7, "node": "n1"}` begins an operation and
/// `{"type": "ok"}`, `"fail"` or `"info"` ends it. `process` tells operations in flight apart (0
/// where there is none); a completion repeats the `value` that it does not say anew. Times and
/// numbers are the recorder's: the order of the lines is the order of the events.
package final class HistoryReports: Sendable {
    private struct State {
        /// The operations in flight, by the program's own number of their process.
        var open: [Int64: HistoryRecorder.Open] = [:]
        var lines = 0
        var firstError: Failure?
    }

    /// Lines that were no report.
    package struct Failure: Sendable {
        /// The number of the first, from 1.
        package let line: Int
        /// What was wrong with it.
        package let error: InputError
        /// How many there were.
        package var count = 1
    }

    private static let members = ["type", "f", "value", "node", "process", "final", "error"]

    private let recorder: HistoryRecorder
    private let state = Mutex(State())

    /// Makes reports that go to a recorder.
    package init(to recorder: HistoryRecorder) { self.recorder = recorder }

    /// What was wrong with lines so far.
    package var firstError: Failure? { self.state.withLock { $0.firstError } }

    /// Takes one line down; what is no report is not recorded, but remembered as an error.
    package func take(_ line: String) {
        self.state.withLock { state in
            state.lines += 1
            if line.utf8.allSatisfy({ $0 == 0x20 }) { return }
            do throws(InputError) { try self.record(line, &state) } catch {
                if state.firstError == nil {
                    state.firstError = Failure(line: state.lines, error: error)
                } else {
                    state.firstError?.count += 1
                }
            }
        }
    }

    private func record(_ line: String, _ state: inout State) throws(InputError) {
        let report = try Self.object(line)
        for member in report.members where !Self.members.contains(member.key) {
            throw InputError(
                "a report has no such member", found: member.key,
                hint: Suggestion.hint(for: member.key, among: Self.members))
        }
        let process = try Self.process(report)
        let type = report["type"]?.stringValue ?? report["type"]?.text ?? ""
        guard let kind = Operation.Kind(rawValue: type) else {
            throw InputError("'type' is one of invoke, ok, fail, info", found: type)
        }
        if kind == .invoke {
            if state.open[process] != nil {
                throw InputError(
                    "a process has one operation in flight", found: "process \(process)",
                    hint: "give each thread a 'process' of its own")
            }
            state.open[process] = try self.begin(report, process)
        } else if let open = state.open.removeValue(forKey: process) {
            self.recorder.complete(
                open, kind, value: report["value"], error: report["error"]?.stringValue)
        } else {
            throw InputError(
                "'\(type)' ends an operation that was invoked",
                found: "nothing in flight in process \(process)")
        }
    }

    private func begin(
        _ report: JSONObject, _ process: Int64
    ) throws(InputError) -> HistoryRecorder.Open {
        guard let function = report["f"]?.stringValue, !function.isEmpty else {
            throw InputError(
                "'f' names the operation", found: report["f"]?.text ?? "nothing",
                hint: "for example \"f\": \"add\"")
        }
        return self.recorder.invoke(
            client: "process \(process)", node: report["node"]?.stringValue, function: function,
            argument: report["value"] ?? .null, isFinal: report["final"]?.boolValue ?? false)
    }

    private static func object(_ line: String) throws(InputError) -> JSONObject {
        if let value = try? JSONValue(parsing: line.utf8), case .object(let object) = value {
            return object
        }
        let short = line.count > 80 ? line.prefix(80) + "…" : line[...]
        throw InputError("a report is a JSON object on one line", found: String(short))
    }

    private static func process(_ report: JSONObject) throws(InputError) -> Int64 {
        guard let value = report["process"] else { return 0 }
        guard let number = value.intValue else {
            throw InputError("'process' is a whole number", found: value.text)
        }
        return number
    }
}
