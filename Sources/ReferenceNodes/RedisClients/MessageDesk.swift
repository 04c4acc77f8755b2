import ChaosCore
import NodeKit

/// Where a node that speaks in streams takes Maelstrom's messages: one JSON object a line.
struct MessageDesk: Sendable {
    private var readers: [StreamID: LineReader] = [:]

    /// The messages that bytes complete. What is none is skipped.
    mutating func read(_ bytes: [UInt8], on stream: StreamID) -> [Message] {
        self.readers[stream, default: LineReader()].read(bytes).compactMap { event in
            guard case .line(let line) = event else { return nil }
            return try? Message(parsing: line)
        }
    }

    /// Takes note that a connection has ended.
    mutating func forget(_ stream: StreamID) { self.readers[stream] = nil }

    /// Sends an answer back; a message that wants none gets none.
    func answer(_ effect: Effect, on stream: StreamID) -> [StreamEffect] {
        guard case .reply(let request, var body) = effect, let id = request.id else { return [] }
        body["in_reply_to"] = .int(id)
        let answer = Message(from: request.destination, to: request.source, body: body)
        return [.write(stream, Array((answer.line + "\n").utf8))]
    }
}
