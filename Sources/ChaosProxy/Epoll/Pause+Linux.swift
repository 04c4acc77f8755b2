#if os(Linux)
    import NIOConcurrencyHelpers
    import Synchronization

    /// Lets one thread have everything to itself for a moment, while all others stand still between
    /// two turns.
    ///
    /// Each of the others holds its own lock as long as it touches anything, and asks between turns
    /// whether somebody wants to be alone: a free lock alone would let a busy thread take it again
    /// before the one that waits wakes up.
    final class Pause: Sendable {
        private let isWantedNow = Atomic(false)
        private let door = NIOLock()

        /// Whether the threads that carry traffic are to stand still.
        var isWanted: Bool { self.isWantedNow.load(ordering: .relaxed) }

        /// Does something while nobody who holds one of these locks touches anything. One thread only
        /// may call this.
        func run<Result>(
            stopping locks: [NIOLock], _ body: () throws -> Result
        ) rethrows -> Result {
            self.isWantedNow.store(true, ordering: .relaxed)
            self.door.lock()
            for lock in locks { lock.lock() }
            defer {
                for lock in locks { lock.unlock() }
                self.isWantedNow.store(false, ordering: .relaxed)
                self.door.unlock()
            }
            return try body()
        }

        /// Stands still until the other one is ready; to be called between two turns.
        func standStill(_ lock: NIOLock) {
            lock.unlock()
            self.door.withLock {}
            lock.lock()
        }
    }
#endif
