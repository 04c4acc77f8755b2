#if os(Linux)
    import ChaosCore

    /// The memory into which one thread reads all its sockets.
    final class Intake {
        /// How much one read takes in at most, and at least if there is as much.
        static let size = 1 << 20
        private static let sizeMin = 512 << 10
        /// Fewer bytes than this that must wait are copied.
        private static let copySizeMax = 32 << 10

        private let segments = SegmentPool(size: Intake.size)
        private var input: Segment
        private var begin = 0

        init() { self.input = self.segments.take() }

        /// Where the next read puts what it finds, and for how much there is room.
        var memory: UnsafeMutableRawPointer { self.input.memory + self.begin }
        var room: Int { self.input.capacity - self.begin }

        /// Takes over bytes that were just read, by their place behind ``memory``. Few bytes are
        /// copied: what waits must not hold much more memory than it has bytes.
        func take(from begin: Int, to end: Int) -> HeldBytes {
            if end - begin <= Self.copySizeMax {
                return HeldBytes(copying: self.memory + begin, end - begin)
            }
            let bytes = HeldBytes(self.input, from: self.begin + begin, to: self.begin + end)
            self.begin += end
            if self.room < Self.sizeMin {
                self.input = self.segments.take()
                self.begin = 0
            }
            return bytes
        }

        /// Whether there is memory that may be given back, now or later.
        var isTrimmable: Bool { self.segments.isInUse }

        /// Gives memory back that bytes needed which are gone.
        func trim() { self.segments.trim() }
    }

    /// Gives memory back every now and then while there is some.
    final class Trimming: Sleeper {
        private static let interval: Int64 = 100_000_000

        // The loop has it, and it is asleep in no other.
        private unowned(unsafe) let loop: EpollLoop
        private var isOn = false

        init(_ loop: EpollLoop) { self.loop = loop }

        func begin() {
            if self.isOn { return }
            self.isOn = true
            self.sleep()
        }

        private func sleep() {
            self.loop.deadlines.set(
                self, at: self.loop.plane.clock.now.advanced(byNanoseconds: Self.interval))
        }

        override func wake(at now: Instant) {
            self.loop.intake.trim()
            if self.loop.intake.isTrimmable { self.sleep() } else { self.isOn = false }
        }
    }
#endif
