import ChaosCore
import NodeKit

extension ReferenceSystem {
    /// S01: a node that says what it hears.
    static let echo = ReferenceSystem(
        name: "echo", summary: "answers every request with its own payload",
        variants: [Variant("plain", "one answer to each request") { EchoNode() }])
}

/// Answers `echo{echo}` with `echo_ok{echo}`: the payload comes back as it was.
struct EchoNode: Node {
    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let request) = input else { return [] }
        guard request.type == "echo" else { return [.unsupported(request)] }
        return [.reply(to: request, ["type": "echo_ok", "echo": request["echo"] ?? nil])]
    }
}
