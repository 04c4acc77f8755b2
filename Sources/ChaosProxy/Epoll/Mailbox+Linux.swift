#if os(Linux)
    import CLinux
    import Glibc
    import NIOConcurrencyHelpers
    import Synchronization

    /// What other threads want done on one of the driver's threads, in order.
    final class Mailbox: Sendable {
        typealias Task = @Sendable (EpollPlane) -> Void

        private struct State {
            var tasks: [Task] = []
            var isClosed = false
        }

        /// Readable while there are tasks (eventfd(2)).
        let descriptor: CInt
        /// Whose descriptor it is, if not its own.
        private let owner: Mailbox?
        // Not `Mutex`: the thread sanitizer does not see that one.
        private let state = NIOLockedValueBox(State())
        private let hasTasksNow = Atomic(false)

        /// Whether there are tasks; costs next to nothing.
        var hasTasks: Bool { self.hasTasksNow.load(ordering: .relaxed) }

        /// - Throws: `ProxyError` when the system has no descriptors left.
        init() throws {
            self.owner = nil
            self.descriptor = chaos_signal_make()
            if self.descriptor < 0 {
                throw ProxyError(description: "proxy: \(SocketFailure.text(of: errno))")
            }
        }

        /// Another one for the same thread, which both wake.
        init(beside other: Mailbox) {
            self.owner = other
            self.descriptor = other.descriptor
        }

        deinit { if self.owner == nil { Sockets.close(self.descriptor) } }

        /// Hands in a task; `false` when nobody will do it any more.
        func post(_ task: @escaping Task) -> Bool {
            let (isTaken, isFirst) = self.state.withLockedValue { state in
                if state.isClosed { return (false, false) }
                state.tasks.append(task)
                self.hasTasksNow.store(true, ordering: .relaxed)
                return (true, state.tasks.count == 1)
            }
            if isFirst { chaos_signal_raise(self.descriptor) }
            return isTaken
        }

        /// Wakes the thread without a task.
        func wake() { chaos_signal_raise(self.descriptor) }

        /// Takes out all tasks.
        func take() -> [Task] {
            self.state.withLockedValue { state in
                self.hasTasksNow.store(false, ordering: .relaxed)
                defer { state.tasks = [] }
                return state.tasks
            }
        }

        /// Takes out all tasks and lets no more in.
        func close() -> [Task] {
            self.state.withLockedValue { state in
                state.isClosed = true
                self.hasTasksNow.store(false, ordering: .relaxed)
                defer { state.tasks = [] }
                return state.tasks
            }
        }
    }
#endif
