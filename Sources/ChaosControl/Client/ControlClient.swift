import ChaosCore
import NIOCore
import NIOPosix

/// Talks to a live run over its Unix socket.
package final class ControlClient: Sendable {
    private let channel: any Channel
    private let answers: NIOLoopBound<ClientConnection>

    private init(channel: any Channel, answers: NIOLoopBound<ClientConnection>) {
        self.channel = channel
        self.answers = answers
    }

    /// Connects to a socket; `patience` is how long each answer may take.
    ///
    /// The server answers within 5 s, so a longer silence means that it is stopped or stuck.
    ///
    /// - Throws: `CommandError` (`unreachable`) when nobody listens there.
    package static func connect(
        to path: String, patience: Duration = .seconds(10)
    ) async throws(CommandError) -> ControlClient {
        guard try UnixSocket.isListening(at: path) else {
            throw CommandError(.unreachable, "\(path): no run listens here")
        }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let connection = ClientConnection(on: loop, patience: patience)
                try channel.pipeline.syncOperations.addHandler(connection)
            }
        }
        do {
            let channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
            let answers = try await channel.eventLoop.submit {
                let handler = try channel.pipeline.syncOperations.handler(
                    type: ClientConnection.self)
                return NIOLoopBound(handler, eventLoop: channel.eventLoop)
            }.get()
            return ControlClient(channel: channel, answers: answers)
        } catch {
            throw CommandError(.unreachable, "\(path): cannot connect: \(error)")
        }
    }

    /// Asks the run to do something and waits until it took effect.
    ///
    /// - Throws: `CommandError`: the run's, or `busy` and `disconnected` when nobody knows.
    package func perform(_ command: Command) async throws(CommandError) -> JSONValue {
        try await self.send(command.json)
    }

    /// Sends any request; `id` is set here.
    package func send(_ request: JSONObject) async throws(CommandError) -> JSONValue {
        let answers = self.answers
        let reply: Reply
        do {
            reply = try await self.channel.eventLoop.flatSubmit {
                answers.value.send(request)
            }.get()
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(.disconnected, "the connection to the run broke: \(error)")
        }
        switch reply.outcome {
        case .success(let result): return result
        case .failure(let error): throw error
        }
    }

    /// Subscribes; the stream ends with the run or the connection.
    ///
    /// Up to 4096 events wait here for the reader; more wait at the server, which then drops and
    /// counts.
    package func events() async throws(CommandError) -> AsyncStream<JSONValue> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JSONValue.self, bufferingPolicy: .bufferingOldest(4096))
        let answers = self.answers
        self.channel.eventLoop.execute { answers.value.events = continuation }
        _ = try await self.send(["op": "subscribe"])
        return stream
    }

    /// What the run looks like.
    package func status() async throws(CommandError) -> RunStatus {
        try RunStatus(json: try await self.perform(.status()))
    }

    /// Ends the connection.
    package func close() async { try? await self.channel.close() }
}
