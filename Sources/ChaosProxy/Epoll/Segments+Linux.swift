#if os(Linux)
    import ChaosEngine
    import Glibc
    import NIOConcurrencyHelpers

    // Memory for bytes. What arrives is read into one large segment that all connections share. Only
    // bytes that must wait get memory of their own: the large segment itself if they fill much of it,
    // and a copy of their size otherwise. So an idle connection holds none.

    /// Large pieces of memory, used again and again; given back when they are not. One thread takes
    /// them; whichever has the last bytes in one gives it back.
    final class SegmentPool: Sendable {
        // The memory is nobody's while it is here.
        private struct State: @unchecked Sendable {
            var free: [UnsafeMutableRawPointer] = []
            /// The least number of free segments since the last trimming: nobody needed those.
            var idle = 0
            /// How many segments are somewhere else.
            var taken = 0
        }

        /// How large its segments are: what one read takes in at most.
        let size: Int
        private let state = NIOLockedValueBox(State())

        init(size: Int) { self.size = size }

        deinit {
            for memory in self.state.withLockedValue({ $0.free }) { munmap(memory, self.size) }
        }

        /// Whether there is anything to trim, now or later; one segment is always out.
        var isInUse: Bool { self.state.withLockedValue { !$0.free.isEmpty || $0.taken > 1 } }

        func take() -> Segment {
            let used: UnsafeMutableRawPointer? = self.state.withLockedValue { state in
                state.taken += 1
                guard let memory = state.free.popLast() else { return nil }
                state.idle = min(state.idle, state.free.count)
                return memory
            }
            if let used { return Segment(used, self.size, from: self) }
            let memory = mmap(
                nil, self.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let memory, memory != MAP_FAILED else { fatalError("out of memory") }
            return Segment(memory, self.size, from: self)
        }

        fileprivate func giveBack(_ memory: UnsafeMutableRawPointer) {
            self.state.withLockedValue { state in
                state.taken -= 1
                state.free.append(memory)
            }
        }

        /// Gives back to the system what was not needed since the last trimming.
        func trim() {
            let unneeded = self.state.withLockedValue { state in
                let unneeded = Array(state.free.suffix(state.idle))
                state.free.removeLast(unneeded.count)
                state.idle = state.free.count
                return unneeded
            }
            for memory in unneeded { munmap(memory, self.size) }
        }
    }

    /// A piece of memory with one owner or several.
    final class Segment {
        let memory: UnsafeMutableRawPointer
        let capacity: Int
        private let pool: SegmentPool?

        fileprivate init(_ memory: UnsafeMutableRawPointer, _ capacity: Int, from pool: SegmentPool)
        {
            self.memory = memory
            self.capacity = capacity
            self.pool = pool
        }

        /// Memory of its own.
        init(capacity: Int) {
            self.memory = .allocate(byteCount: max(1, capacity), alignment: 16)
            self.capacity = capacity
            self.pool = nil
        }

        deinit {
            if let pool = self.pool {
                pool.giveBack(self.memory)
            } else {
                self.memory.deallocate()
            }
        }
    }

    /// Bytes that wait in a segment.
    // Sound because bytes have one thread at a time, that of their connection; only the protocol asks
    // for more.
    struct HeldBytes: StreamBytes, @unchecked Sendable {
        private var segment: Segment
        private var begin: Int
        private var end: Int

        init(_ segment: Segment, from begin: Int, to end: Int) {
            self.segment = segment
            self.begin = begin
            self.end = end
        }

        /// A copy of bytes in memory of their size.
        init(copying memory: UnsafeRawPointer, _ count: Int) {
            self.segment = Segment(capacity: count)
            self.begin = 0
            self.end = count
            self.segment.memory.copyMemory(from: memory, byteCount: count)
        }

        init(copying bytes: [UInt8]) {
            self.segment = Segment(capacity: bytes.count)
            self.begin = 0
            self.end = bytes.count
            bytes.withUnsafeBytes { [segment = self.segment] in
                if let base = $0.baseAddress {
                    segment.memory.copyMemory(from: base, byteCount: $0.count)
                }
            }
        }

        var count: Int { self.end - self.begin }

        var memory: UnsafeMutableRawPointer { self.segment.memory + self.begin }

        mutating func dropFirst(_ count: Int) { self.begin += count }

        mutating func removePrefix(_ count: Int) -> HeldBytes {
            precondition(count <= self.count, "a prefix is no longer than the bytes")
            let prefix = HeldBytes(self.segment, from: self.begin, to: self.begin + count)
            self.begin += count
            return prefix
        }

        mutating func append(_ other: HeldBytes) {
            let count = other.count
            if self.segment.capacity - self.end < count
                || !isKnownUniquelyReferenced(&self.segment)
            {
                // Twice what is needed, so that many small ones are not copied again each time.
                let larger = Segment(capacity: 2 * (self.count + count))
                larger.memory.copyMemory(from: self.memory, byteCount: self.count)
                (self.begin, self.end) = (0, self.count)
                self.segment = larger
            }
            (self.segment.memory + self.end).copyMemory(from: other.memory, byteCount: count)
            self.end += count
        }

        mutating func flipBit(_ bit: Int, at offset: Int) {
            if !isKnownUniquelyReferenced(&self.segment) {
                self = HeldBytes(copying: self.memory, self.count)
            }
            let place = self.memory + offset
            let byte = place.load(as: UInt8.self)
            place.storeBytes(of: byte ^ (1 << UInt8(bit)), as: UInt8.self)
        }

        func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
            let bytes = UnsafeBufferPointer(
                start: self.memory.assumingMemoryBound(to: UInt8.self), count: self.count)
            return body(bytes.span)
        }
    }
#endif
