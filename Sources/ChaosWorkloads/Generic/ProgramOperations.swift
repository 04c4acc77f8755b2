import ChaosCheckers
import ChaosCore
import NIOCore
import NIOPosix
import NodeKit

/// A program that was started to carry out operations.
package struct StartedProgram: Sendable {
    /// The end to write its standard input to; who gets it owns it.
    package let input: Int32
    /// The end to read its standard output from; who gets it owns it.
    package let output: Int32
    /// Ends it, however busy it is, and waits for that.
    package let end: @Sendable () async -> Void

    package init(input: Int32, output: Int32, end: @escaping @Sendable () async -> Void) {
        self.input = input
        self.output = output
        self.end = end
    }
}

/// A client that lets a program of the user's carry out operations, one after the other.
///
/// The program reads one JSON object a line, `{"id": 1, "f": "write", "value": 3, "node": "n1", "address": "127.0.0.1:7001"}`, and answers
/// with one, `{"id": 1, "type": "ok", "value": 3}`. `type` is `ok`, `fail` or `info`; without a `value` it is the argument. One
/// that does not answer in time is ended, and another one started in its place.
struct ProgramOperationClient: OperationTranslator {
    let name: String
    let node: ClientAddress
    private let session: NIOLoopBound<ProgramSession>
    private let program: StartedProgram

    static func start(
        name: String, node: ClientAddress, _ program: StartedProgram
    ) async throws -> ProgramOperationClient {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let session = try await eventLoop.submit {
            NIOLoopBound(ProgramSession(), eventLoop: eventLoop)
        }.get()
        _ = try await NIOPipeBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = LineConnection(pausesWhenUnread: false) {
                        session.value.handle($1, on: $0)
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .takingOwnershipOfDescriptors(input: program.output, output: program.input).get()
        return ProgramOperationClient(name: name, node: node, session: session, program: program)
    }

    private init(
        name: String, node: ClientAddress, session: NIOLoopBound<ProgramSession>,
        program: StartedProgram
    ) {
        self.name = name
        self.node = node
        self.session = session
        self.program = program
    }

    var nodeName: String { self.node.node }

    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion {
        let eventLoop = self.session.eventLoop
        let promise = eventLoop.makePromise(of: Conclusion.self)
        let (node, session) = (self.node, self.session)
        eventLoop.execute {
            session.value.send(
                [
                    "f": .string(function), "value": argument, "node": .string(node.node),
                    "address": .string("\(node.host):\(node.port)"),
                ], promise)
            eventLoop.scheduleTask(in: TimeAmount(timeout)) {
                promise.succeed((.info, nil, "no answer within \(timeout.text)"))
            }
        }
        // Promises of sessions are only ever succeeded.
        return (try? await promise.futureResult.get()) ?? (.info, nil, "no answer")
    }

    func close() async {
        await self.program.end()
        self.session.eventLoop.execute { self.session.value.close() }
    }
}

/// What goes to one program and comes from it. Lives on one event loop.
private final class ProgramSession {
    private var connection: LineConnection?
    private var lastID: Int64 = 0
    private var promise: EventLoopPromise<Conclusion>?
    private var hasEnded = false

    func send(_ request: JSONObject, _ promise: EventLoopPromise<Conclusion>) {
        guard let connection = self.connection else {
            promise.succeed((.fail, nil, "the client program has ended"))
            return
        }
        self.lastID += 1
        var line: JSONObject = ["id": .int(self.lastID)]
        for member in request.members { line[member.key] = member.value }
        self.promise = promise
        connection.write(JSONValue.object(line).text)
        connection.flush()
    }

    func handle(_ event: LineConnection.Event, on connection: LineConnection) {
        switch event {
        case .opened: self.connection = connection
        case .read(.line(let line)): self.answered(line)
        case .closed:
            self.connection = nil
            self.promise?.succeed((.info, nil, "the client program has ended"))
            self.promise = nil
        case .read, .readBatchEnded, .becameWritable: break
        }
    }

    func close() { self.connection?.close() }

    private func answered(_ line: [UInt8]) {
        let shown = String(decoding: line.prefix(200), as: UTF8.self)
        guard let answer = try? JSONValue(parsing: line), let text = answer["type"]?.stringValue,
            let kind = Operation.Kind(rawValue: text), kind != .invoke
        else {
            return self.conclude(
                (
                    .info, nil,
                    "an answer is a JSON object with a 'type' of ok, fail or info: \(shown)"
                ))
        }
        // An answer to what was given up already is none to what is asked now.
        if let id = answer["id"]?.intValue, id != self.lastID { return }
        self.conclude((kind, answer["value"], answer["error"].map { $0.stringValue ?? $0.text }))
    }

    private func conclude(_ end: Conclusion) {
        self.promise?.succeed(end)
        self.promise = nil
    }
}
