import ChaosCheckers
import ChaosCore
import NIOCore

/// A reply of a Redis server (RESP2).
enum RESPReply: Hashable, Sendable {
    case text(String)
    case number(Int64)
    case error(String)
    case list([RESPReply])
    case absent

    /// The reply as a value; texts that are JSON are read as such.
    var value: JSONValue {
        switch self {
        case .text(let text), .error(let text): JSONValue(answer: text)
        case .number(let number): .int(number)
        case .list(let elements): .array(elements.map(\.value))
        case .absent: .null
        }
    }
}

/// Says that bytes are no reply.
struct RESPError: Error {}

/// Finds replies in a stream of bytes.
struct RESPDecoder: ByteToMessageDecoder {
    typealias InboundOut = RESPReply

    mutating func decode(
        context: ChannelHandlerContext, buffer: inout ByteBuffer
    ) throws -> DecodingState {
        var copy = buffer
        guard let reply = try Self.reply(&copy, depth: 0) else { return .needMoreData }
        buffer = copy
        context.fireChannelRead(self.wrapInboundOut(reply))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        try self.decode(context: context, buffer: &buffer)
    }

    /// The next reply, or nil when some of it has not come yet.
    private static func reply(_ buffer: inout ByteBuffer, depth: Int) throws -> RESPReply? {
        guard depth < 32, let line = Self.line(&buffer) else {
            if depth >= 32 { throw RESPError() }
            return nil
        }
        let rest = String(line.dropFirst())
        switch line.first {
        case "+": return .text(rest)
        case "-": return .error(rest)
        case ":":
            guard let number = Int64(rest) else { throw RESPError() }
            return .number(number)
        case "$":
            guard let count = Int(rest), count <= 512 << 20 else { throw RESPError() }
            if count < 0 { return .absent }
            guard buffer.readableBytes >= count + 2 else { return nil }
            let text = buffer.readString(length: count) ?? ""
            buffer.moveReaderIndex(forwardBy: 2)
            return .text(text)
        case "*":
            guard let count = Int(rest) else { throw RESPError() }
            if count < 0 { return .absent }
            var elements: [RESPReply] = []
            for _ in 0..<count {
                guard let element = try Self.reply(&buffer, depth: depth + 1) else { return nil }
                elements.append(element)
            }
            return .list(elements)
        default: throw RESPError()
        }
    }

    private static func line(_ buffer: inout ByteBuffer) -> String? {
        let view = buffer.readableBytesView
        guard let end = view.firstIndex(of: UInt8(ascii: "\r")), end + 1 < view.endIndex else {
            return nil
        }
        let line = buffer.readString(length: end - view.startIndex)
        buffer.moveReaderIndex(forwardBy: 2)
        return line
    }
}

/// A client that sends each operation as a command of the Redis protocol.
struct RESPOperationClient: OperationTranslator {
    let name: String
    let node: ClientAddress
    /// The words of each operation's command.
    let commands: [String: [String]]
    let isKeyed: Bool
    private let connection: OneAtATime<RESPReply>

    init(name: String, node: ClientAddress, commands: [String: [String]], isKeyed: Bool) {
        self.name = name
        self.node = node
        self.commands = commands
        self.isKeyed = isKeyed
        self.connection = OneAtATime(node: node) { channel in
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(RESPDecoder()))
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
        let bytes = Self.encode(command.map(words.filling))
        let outcome = await self.connection.exchange(timeout: timeout) { channel in
            channel.writeAndFlush(bytes, promise: nil)
        }
        switch outcome {
        case .notSent(let reason): return (.fail, nil, reason)
        case .unknown(let reason): return (.info, nil, reason)
        // A server says so instead of doing it.
        case .reply(.error(let text)): return (.fail, nil, text)
        case .reply(let reply):
            switch function {
            case "write", "add", "broadcast": return (.ok, nil, nil)
            // A script says 1 or 0, SET with a condition says OK or nothing.
            case "cas":
                let isDone = reply != .absent && reply != .number(0)
                return isDone
                    ? (.ok, nil, nil) : (.fail, nil, "error 22: the value was another one")
            default: return (.ok, words.value(read: reply.value), nil)
            }
        }
    }

    /// A command as an array of bulk strings.
    static func encode(_ words: [String]) -> ByteBuffer {
        var buffer = ByteBuffer(string: "*\(words.count)\r\n")
        for word in words { buffer.writeString("$\(word.utf8.count)\r\n\(word)\r\n") }
        return buffer
    }

    func close() async { await self.connection.close() }
}
