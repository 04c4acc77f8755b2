import ChaosCore

/// Maelstrom's `echo`: every request carries a text of its own that must come back.
package struct EchoWorkload: Workload {
    /// How much load.
    package let settings: LoadSettings

    package init(settings: LoadSettings = LoadSettings()) { self.settings = settings }

    package var kind: String { "echo" }
    package var duration: Duration { self.settings.duration }
    package var defaultChecks: [String] { ["echo"] }

    package func runLoad(_ context: WorkloadContext) async throws {
        try await LoadRun(settings: self.settings, context: context).run { ordinal in
            // Numbered through, so that a reply to another request is noticed.
            let text: JSONValue = .string("Please echo \(ordinal)")
            return PlannedRequest(
                function: "echo", argument: text, body: ["type": "echo", "echo": text],
                replyType: "echo_ok", result: { $0["echo"] })
        }
    }

    /// Echo leaves nothing behind to be read.
    package func runFinalReads(_ context: WorkloadContext) async throws {}
}
