import CLinux
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What chaos knows of the processes its guardian holds, and what it does when there is no
/// guardian any more.
///
/// The guardian's words arrive here in their order on one queue, so a process is listed before
/// anyone can hear that it ended.
final class ProcessRoster: Sendable {
    private struct State {
        var isEnding = false
        var running: [Int32: ProcessEnding] = [:]
        /// To which family each of them belongs, once who asked for it has got it.
        var families: [Int32: String] = [:]
        /// Started, but not yet handed to who asked, by the request's id.
        var started: [UInt32: ProcessEnding] = [:]
        var files: [String] = []
        var endWaiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
        /// What is to be said of a guardian that died although nobody asked it to end.
        var fault: String?
    }

    private let state = Mutex(State())
    private let marker: String
    private let ownsAllChildren: Bool
    private let guardian: ProcessID
    private let onGuardianDeath: @Sendable (String) -> Void

    init(
        marker: String, ownsAllChildren: Bool, guardian: ProcessID,
        onGuardianDeath: @escaping @Sendable (String) -> Void
    ) {
        self.marker = marker
        self.ownsAllChildren = ownsAllChildren
        self.guardian = guardian
        self.onGuardianDeath = onGuardianDeath
    }

    /// Takes note of a reply or event.
    func note(_ message: chaos_message) {
        switch Int(message.kind) {
        case CHAOS_REPLY_SPAWNED where message.a > 0:
            self.state.withLock { state in
                let ending = ProcessEnding()
                state.running[message.a] = ending
                state.started[message.id] = ending
            }
        case CHAOS_EVENT_EXITED:
            self.end(message.a, as: ProcessExit(waitStatus: message.b))
        default: break
        }
    }

    /// Hands over what a spawn request started, once, and notes to which family it belongs.
    func claim(_ reply: chaos_message, family: String) -> ProcessEnding? {
        self.state.withLock { state in
            if state.running[reply.a] != nil { state.families[reply.a] = family }
            return state.started.removeValue(forKey: reply.id)
        }
    }

    /// The processes that were started and have not been reaped, with their families.
    var families: [Int32: String] { self.state.withLock { $0.families } }

    private func end(_ pid: Int32, as status: ProcessExit) {
        let ending = self.state.withLock { state in
            state.families.removeValue(forKey: pid)
            return state.running.removeValue(forKey: pid)
        }
        ending?.end(as: status)
    }

    /// Adds or removes a file that must be gone at the end.
    func setFile(_ path: String, isRegistered: Bool) {
        self.state.withLock { state in
            state.files.removeAll { $0 == path }
            if isRegistered { state.files.append(path) }
        }
    }

    /// From now on the guardian's death is what was asked for.
    func beginEnding() { self.state.withLock { $0.isEnding = true } }

    /// Waits until everything has ended.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = self.state.withLock { state in
                if !state.hasEnded { state.endWaiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Runs when the guardian's socket has closed. Blocks until the guardian is reaped and, if it
    /// did not end by itself, until what it left is killed.
    func guardianEnded() {
        var status: Int32 = 0
        var reaped: pid_t
        repeat {
            reaped = waitpid(self.guardian.rawValue, &status, 0)
        } while reaped < 0 && errno == EINTR
        // A program that ignores SIGCHLD gets no status; then only the sweep can tell.
        let end = reaped > 0 ? ProcessExit(waitStatus: status) : .unknown
        if end.isSuccess { self.endRest(as: .unknown) } else { self.takeOver(from: end) }
        let waiters = self.state.withLock { state in
            state.hasEnded = true
            defer { state.endWaiters = [] }
            return state.endWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The sentence about a guardian that died although nobody asked it to end; known when
    /// everything has ended.
    var fault: String? { self.state.withLock { $0.fault } }

    private func takeOver(from end: ProcessExit) {
        // Whoever hears of the deaths below may begin to end everything: that makes the guardian's
        // own no more wanted.
        let (pids, files, wasAsked) = self.state.withLock {
            ($0.running.keys.sorted(), $0.files, $0.isEnding)
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        let left = chaos_sweep(
            self.marker, pids, Int32(pids.count), self.ownsAllChildren ? 1 : 0, 10_000,
            { context, pid, status in
                guard let context else { return }
                // The roster outlives the call: it is the one who calls.
                Unmanaged<ProcessRoster>.fromOpaque(context).takeUnretainedValue()
                    .end(pid, as: ProcessExit(waitStatus: status))
            }, context)
        for file in files.reversed() where unlink(file) != 0 { rmdir(file) }
        self.endRest(as: .unknown)
        if wasAsked { return }
        let rest = left > 0 ? "; \(left) could not be killed" : ""
        let sentence =
            "guardian: it must live as long as the run, found that it \(end); "
            + "\(pids.count) processes were killed in its place\(rest)"
        self.state.withLock { $0.fault = sentence }
        self.onGuardianDeath(sentence)
    }

    private func endRest(as status: ProcessExit) {
        let rest = self.state.withLock { state in
            defer { (state.running, state.families) = ([:], [:]) }
            return state.running.sorted { $0.key < $1.key }
        }
        for (_, ending) in rest { ending.end(as: status) }
    }
}
