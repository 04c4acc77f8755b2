import Synchronization

/// One process that a `ProcessHost` started.
///
/// Keeping or dropping this value does nothing to the process; its host ends it.
package struct HostedProcess: Sendable {
    package let id: ProcessID
    /// As in the request.
    package let family: String
    let ending: ProcessEnding

    /// How it ended, or nil while it has not been reaped.
    package var endedAs: ProcessExit? { self.ending.status }

    /// Waits until the process has been reaped. Always returns: its host ends it at the latest.
    package func exitStatus() async -> ProcessExit { await self.ending.wait() }
}

/// The one moment at which a process ends, and who waits for it.
final class ProcessEnding: Sendable {
    private enum State {
        case running(waiting: [CheckedContinuation<ProcessExit, Never>])
        case ended(ProcessExit)
    }

    private let state = Mutex(State.running(waiting: []))

    var status: ProcessExit? {
        self.state.withLock { state in
            guard case .ended(let status) = state else { return nil }
            return status
        }
    }

    func wait() async -> ProcessExit {
        await withCheckedContinuation { continuation in
            let ended: ProcessExit? = self.state.withLock { state in
                switch state {
                case .running(var waiting):
                    waiting.append(continuation)
                    state = .running(waiting: waiting)
                    return nil
                case .ended(let status): return status
                }
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    /// Tells everyone who waits. The first call counts.
    func end(as status: ProcessExit) {
        let waiting: [CheckedContinuation<ProcessExit, Never>] = self.state.withLock { state in
            guard case .running(let waiting) = state else { return [] }
            state = .ended(status)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }
}
