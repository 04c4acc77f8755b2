import ChaosCore
import ChaosTesting
import Foundation
import Testing

/// Hands out 1, 2, 3, …
private struct Tickets: ObjectModel {
    var initialState: Int64 { 0 }

    func step(_ state: Int64, _ call: ObjectCall) -> Int64? {
        guard let ticket = call.result else { return state + 1 }
        return ticket == .int(state + 1) ? state + 1 : nil
    }
}

@Suite("Models of one's own") struct ObjectModelTests {
    private func judge(_ lines: [String]) throws -> HistoryVerdict {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "history-\(UUID().uuidString).jsonl")
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try checkLinearizable(history: file.path, model: Tickets())
    }

    private func take(_ process: Int, _ type: String, _ ticket: Int? = nil) -> String {
        let value = ticket.map { "\($0)" } ?? "null"
        return #"{"process":\#(process),"type":"\#(type)","f":"take","value":\#(value)}"#
    }

    @Test func whatTheModelAllowsIsValid() throws {
        let verdict = try self.judge([
            // Two at once, in whatever order; one whose answer was lost; the next one knows of it.
            self.take(0, "invoke"), self.take(1, "invoke"), self.take(0, "ok", 2),
            self.take(1, "ok", 1), self.take(2, "invoke"), self.take(2, "info"),
            self.take(0, "invoke"), self.take(0, "ok", 4),
        ])
        #expect(verdict.kind == .valid, "\(verdict)")
    }

    @Test func whatItDoesNotAllowIsShown() throws {
        let verdict = try self.judge([
            self.take(0, "invoke"), self.take(0, "ok", 1), self.take(1, "invoke"),
            self.take(1, "ok", 1),
        ])
        #expect(verdict.kind == .invalid)
        #expect(
            verdict.summary
                == "not linearizable: no order is left for 'take null → 1' of process 1, which returned at index 3"
        )
        #expect(verdict.evidence.contains { $0.contains("smallest window") })
    }

    @Test func whatIsNoHistoryIsSaid() throws {
        let missing = #expect(throws: ChaosFailure.self) {
            try checkLinearizable(history: "/nowhere/history.jsonl", model: Tickets())
        }
        #expect(missing?.description == "/nowhere/history.jsonl: there is no such file")
        #expect(throws: ChaosFailure.self) { try self.judge(["x"]) }
    }
}
