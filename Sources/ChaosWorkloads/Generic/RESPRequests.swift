import ChaosCheckers
import ChaosCore
import NIOCore
import NodeKit

extension RESPValue {
    /// The reply as a value; texts that are JSON are read as such.
    var json: JSONValue {
        switch self {
        case .simple(let text), .bulk(let text), .error(let text):
            JSONValue(answer: String(decoding: text, as: UTF8.self))
        case .integer(let number): .int(number)
        case .array(let elements): .array(elements.map(\.json))
        case .absent, .absentArray: .null
        }
    }
}

/// Finds replies in a stream of bytes.
final class RESPReplyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = RESPValue

    private var parser = RESPParser()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.parser.append(self.unwrapInboundIn(data).readableBytesView)
        do {
            while let reply = try self.parser.next() {
                context.fireChannelRead(self.wrapInboundOut(reply))
            }
        } catch {
            context.fireErrorCaught(error)
        }
    }
}

/// A client that sends each operation as a command of the Redis protocol.
struct RESPOperationClient: OperationTranslator {
    let name: String
    let node: ClientAddress
    /// The words of each operation's command.
    let commands: [String: [String]]
    let isKeyed: Bool
    private let connection: OneAtATime<RESPValue>

    init(name: String, node: ClientAddress, commands: [String: [String]], isKeyed: Bool) {
        self.name = name
        self.node = node
        self.commands = commands
        self.isKeyed = isKeyed
        self.connection = OneAtATime(node: node) { channel in
            try channel.pipeline.syncOperations.addHandler(RESPReplyHandler())
        }
    }

    var nodeName: String { self.node.node }

    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion {
        guard let command = self.commands[function] else {
            return (.fail, nil, "there is no command for '\(function)'")
        }
        let words = OperationWords(function: function, argument: argument, isKeyed: self.isKeyed)
        let bytes = RESPValue.command(command.map { Array(words.filling($0).utf8) }).bytes
        let outcome = await self.connection.exchange(timeout: timeout) { channel in
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        }
        switch outcome {
        case .notSent(let reason): return (.fail, nil, reason)
        case .unknown(let reason): return (.info, nil, reason)
        // A server says so instead of doing it.
        case .reply(.error(let text)):
            return (.fail, nil, String(decoding: text, as: UTF8.self))
        case .reply(let reply):
            switch function {
            case "write", "add", "broadcast": return (.ok, nil, nil)
            // A script says 1 or 0, SET with a condition says OK or nothing.
            case "cas":
                let isDone = reply != .absent && reply != .integer(0)
                return isDone
                    ? (.ok, nil, nil) : (.fail, nil, "error 22: the value was another one")
            default: return (.ok, words.value(read: reply.json), nil)
            }
        }
    }

    func close() async { await self.connection.close() }
}
