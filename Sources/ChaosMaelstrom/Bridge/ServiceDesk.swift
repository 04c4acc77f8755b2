import ChaosCore
import NodeKit

/// Where nodes reach one service. Lives on the bridge's event loop.
final class ServiceDesk {
    private let name: String
    private var service: any Service
    private let seed: Seed
    private unowned let exchange: BridgeExchange
    /// How much each node has asked.
    private var asked: [String: UInt64] = [:]

    init(_ name: String, _ service: any Service, seed: Seed, _ exchange: BridgeExchange) {
        self.name = name
        self.service = service
        self.seed = seed
        self.exchange = exchange
    }

    func received(_ event: LineConnection.Event, on connection: LineConnection) {
        guard case .read(.line(let line)) = event else { return }
        guard let envelope = try? Envelope(of: line) else {
            self.exchange.report(self.name, "garbled", "it got a line that is no message")
            return
        }
        self.exchange.statistics.servers.received += 1
        let node = envelope.source
        let body = envelope.body(of: line)
        let ordinal = self.asked[node] ?? 0
        self.asked[node] = ordinal + 1
        var reply: JSONObject
        do throws(KeyValueReply) {
            let request = try KeyValueRequest(body)
            var draws = self.seed.derived(node).derived(ordinal).generator
            reply = self.service.answer(request, of: node, draws: &draws).body
        } catch {
            reply = error.body
            if case .unsupported(let type) = error {
                self.exchange.report(
                    node, "service", "it asked \(self.name) for '\(type)', which that does not know"
                )
            }
        }
        // Who gave no number wants no answer.
        guard let id = body["msg_id"] else { return }
        reply["in_reply_to"] = id
        let message: JSONValue = [
            "id": .int(Int64(clamping: self.exchange.nextNumber())), "src": .string(self.name),
            "dest": .string(node), "body": .object(reply),
        ]
        self.exchange.statistics.servers.sent += 1
        self.exchange.write(Array(message.text.utf8), to: connection)
    }
}
