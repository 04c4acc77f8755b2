import CLinux
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Chaos's end of the guardian's socket: requests out, replies matched by id, events handed on.
///
/// Writing may wait for a busy guardian and reading for its next word, so each has a thread or queue
/// of its own and no task's thread ever blocks.
final class GuardianLink: Sendable {
    typealias Reply = Result<chaos_message, ProcessHostError>

    /// A request and its payload, or why there is none.
    typealias Encoder = @Sendable () throws(ProcessHostError) -> (chaos_message, [UInt8])

    let guardian: ProcessID

    private struct State {
        var isOpen = true
        var lastID: UInt32 = 0
        var waiting: [UInt32: CheckedContinuation<Reply, Never>] = [:]
    }

    private let socket: Int32
    private let state = Mutex(State())
    private let writing = DispatchQueue(label: "chaos.guardian.requests")

    /// Forks the guardian.
    ///
    /// - Throws: `ProcessHostError` when the system gives no process or socket.
    init() throws(ProcessHostError) {
        var socket: Int32 = -1
        var pid: pid_t = 0
        let code = chaos_guardian_start(&socket, &pid)
        guard code == 0 else {
            throw ProcessHostError(
                .noGuardian, "a guardian process must be startable: \(ProgramSearch.text(code))")
        }
        self.socket = socket
        self.guardian = ProcessID(pid)
    }

    /// Starts reading. Both closures run on a thread of the link's own, which they may block.
    ///
    /// - Parameters:
    ///   - onMessage: Gets every reply and event, before the reply's requester does.
    ///   - onEnd: Runs once, when the socket has closed, before open requests are given up.
    func start(
        onMessage: @escaping @Sendable (chaos_message) -> Void,
        onEnd: @escaping @Sendable () -> Void
    ) {
        BlockingThread.start { [self] in
            var message = chaos_message()
            while chaos_guardian_receive(self.socket, &message) == 1 {
                onMessage(message)
                let waiting = self.state.withLock { $0.waiting.removeValue(forKey: message.id) }
                waiting?.resume(returning: .success(message))
            }
            self.state.withLock { $0.isOpen = false }
            onEnd()
            // Behind the writes that are on their way, so that none meets a reused number.
            self.writing.async { self.giveUp() }
        }
    }

    private func giveUp() {
        _ = close(self.socket)
        let waiting = self.state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        for (_, continuation) in waiting.sorted(by: { $0.key < $1.key }) {
            continuation.resume(returning: .failure(Self.gone))
        }
    }

    /// Closes the link from this side. The guardian takes that as the end of chaos.
    func hangUp() {
        self.state.withLock { state in
            if state.isOpen { _ = shutdown(self.socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Sends a request and waits for its reply.
    ///
    /// - Parameters:
    ///   - descriptors: None, three or four, which the guardian gets copies of.
    ///   - encode: Runs on the writing queue, where it may look at files.
    /// - Throws: What `encode` throws, or that the guardian is gone.
    func request(
        descriptors: [Int32] = [], encode: @escaping Encoder
    ) async throws(ProcessHostError) -> chaos_message {
        let reply: Reply = await withCheckedContinuation { continuation in
            self.writing.async { self.send(descriptors, encode, continuation) }
        }
        return try reply.get()
    }

    /// Sends a request that has no reply.
    func post(_ message: chaos_message) {
        self.writing.async {
            guard self.state.withLock({ $0.isOpen }) else { return }
            var message = message
            _ = chaos_guardian_send(self.socket, &message, nil, nil, 0)
        }
    }

    private func send(
        _ descriptors: [Int32], _ encode: Encoder, _ continuation: CheckedContinuation<Reply, Never>
    ) {
        var message: chaos_message
        let payload: [UInt8]
        do throws(ProcessHostError) {
            (message, payload) = try encode()
        } catch {
            return continuation.resume(returning: .failure(error))
        }
        message.length = UInt32(payload.count)
        let id: UInt32? = self.state.withLock { state in
            guard state.isOpen else { return nil }
            // 0 is the id of events, which nobody asked for.
            state.lastID = state.lastID == .max ? 1 : state.lastID + 1
            state.waiting[state.lastID] = continuation
            return state.lastID
        }
        guard let id else { return continuation.resume(returning: .failure(Self.gone)) }
        message.id = id
        // A failure means that the guardian is dead: the end of the socket says so as well.
        _ = chaos_guardian_send(
            self.socket, &message, payload, descriptors, Int32(descriptors.count))
    }

    private static let gone = ProcessHostError(.noGuardian, "the guardian process must be alive")
}
