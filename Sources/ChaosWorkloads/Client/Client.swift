import ChaosCore
import NIOCore
import NIOPosix

/// A client of one node: many requests in flight over one connection, matched by `in_reply_to`.
///
/// It connects when there is something to send and nothing to send it over.
struct Client: Sendable {
    /// The client's name: `c1`.
    let name: String
    /// The node it talks to.
    let node: ClientAddress

    private let eventLoop: any EventLoop
    private let session: NIOLoopBound<ClientSession>

    /// Makes a client; it does not connect yet.
    static func make(name: String, node: ClientAddress) async throws -> Client {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let session = try await eventLoop.submit {
            let session = ClientSession(name: name, node: node, eventLoop: eventLoop)
            return NIOLoopBound(session, eventLoop: eventLoop)
        }.get()
        return Client(name: name, node: node, eventLoop: eventLoop, session: session)
    }

    /// Sends a request and waits for how it ends.
    ///
    /// When the task is cancelled the outcome is unknown at once.
    func request(_ body: JSONObject, timeout: Duration) async -> RequestOutcome {
        let promise = self.eventLoop.makePromise(of: RequestOutcome.self)
        // Before the handler is set up, so that `abandon` always comes after `request`.
        self.eventLoop.execute {
            self.session.value.request(body, timeout: timeout, promise: promise)
        }
        return await withTaskCancellationHandler {
            do {
                return try await promise.futureResult.get()
            } catch {
                preconditionFailure("a session only ever succeeds its promises: \(error)")
            }
        } onCancel: {
            self.eventLoop.execute { self.session.value.abandon(promise) }
        }
    }

    /// Closes the connection; what is still in flight ends as unknown.
    func close() async {
        // The closure cannot fail.
        try? await self.eventLoop.submit { self.session.value.close() }.get()
    }
}
