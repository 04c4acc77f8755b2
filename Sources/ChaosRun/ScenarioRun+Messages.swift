import ChaosCluster
import ChaosCore
import ChaosEngine
import ChaosProxy
import ChaosScenario

// `messages.jsonl`: what happened to the first messages of a run, for its space-time diagram.

extension ScenarioRun {
    /// As many are taken down where nobody says how many, if the run is to be judged: enough for a
    /// person, and a file of a megabyte or two.
    private static var usualMessages: Int { 5000 }

    /// Takes down what happens to messages, if some port has any.
    func traceMessages(_ directory: RunDirectory, _ network: NetworkControl) async throws {
        let isJudged = self.scenario.workload != nil || !self.scenario.checks.isEmpty
        let limit = self.settings.tracedMessages ?? (isJudged ? Self.usualMessages : 0)
        let isFramed = self.scenario.network.framing.values.contains { $0 != .none }
        if limit == 0 || !isFramed { return }
        let file = try self.lineFile("messages.jsonl", in: directory)
        try await network.proxy.inspect { network, _ in
            network.messageTracer = MessageTracer(limit: limit) { file.append($0.line) }
        }
    }
}

extension MessageStep {
    /// How much of a message is shown: what a person recognises it by.
    private static let previewBytes = 160

    /// The step as a line of `messages.jsonl`.
    fileprivate var line: String {
        var members: [(key: String, value: JSONValue)] = [
            ("t", .double(Double(self.at.nanoseconds / 1000) / 1e6))
        ]
        switch self.event {
        case .sent: members.append(("event", "sent"))
        case .left: members.append(("event", "left"))
        case .lost: members.append(("event", "lost"))
        }
        members += [
            ("link", .string(self.link.description)), ("connection", .int(Int64(self.connection))),
            ("direction", .string(self.direction.rawValue)), ("message", .int(Int64(self.message))),
        ]
        switch self.event {
        case .sent(let view):
            if let type = view.type { members.append(("type", .string(type))) }
            members.append(("bytes", .int(Int64(view.bytes.count))))
            let preview = view.preview(Self.previewBytes)
            members.append(("text", .string(preview)))
        case .lost(let injection): members.append(("by", .string(injection)))
        case .left: break
        }
        return JSONValue.object(JSONObject(members)).text
    }
}
