#if os(Linux)
    import ChaosCore

    /// Something that wants to be woken at one moment at a time.
    class Sleeper {
        fileprivate var place: Int32 = -1

        /// Whether a moment is set.
        final var isWaiting: Bool { self.place >= 0 }

        /// The moment has come. It is not set any more.
        func wake(at now: Instant) { preconditionFailure("only subclasses sleep") }
    }

    /// Who wants to be woken when: a binary heap in which each sleeper knows its place, so that a
    /// deadline that changed its mind leaves nothing behind.
    struct Deadlines {
        private var heap: [(at: Instant, who: Sleeper)] = []

        /// The earliest of all.
        var first: Instant { self.heap.first?.at ?? .never }

        /// Wakes a sleeper at this moment and no other; never at `.never`.
        mutating func set(_ who: Sleeper, at instant: Instant) {
            let place = Int(who.place)
            if place < 0 {
                if instant == .never { return }
                self.heap.append((instant, who))
                self.rise(self.heap.count - 1)
            } else if instant == .never {
                self.remove(at: place)
            } else {
                let before = self.heap[place].at
                if before == instant { return }
                self.heap[place].at = instant
                if instant < before { self.rise(place) } else { self.sink(place) }
            }
        }

        /// Takes out a sleeper that is due.
        mutating func popDue(at now: Instant) -> Sleeper? {
            guard let first = self.heap.first, first.at <= now else { return nil }
            self.remove(at: 0)
            return first.who
        }

        private mutating func remove(at place: Int) {
            self.heap[place].who.place = -1
            let last = self.heap.removeLast()
            if place == self.heap.count { return }
            self.heap[place] = last
            last.who.place = Int32(place)
            self.rise(place)
            self.sink(Int(last.who.place))
        }

        private mutating func rise(_ place: Int) {
            var place = place
            let entry = self.heap[place]
            while place > 0 {
                let parent = (place - 1) / 2
                if self.heap[parent].at <= entry.at { break }
                self.put(self.heap[parent], at: place)
                place = parent
            }
            self.put(entry, at: place)
        }

        private mutating func sink(_ place: Int) {
            var place = place
            let entry = self.heap[place]
            while true {
                var child = 2 * place + 1
                if child >= self.heap.count { break }
                if child + 1 < self.heap.count, self.heap[child + 1].at < self.heap[child].at {
                    child += 1
                }
                if entry.at <= self.heap[child].at { break }
                self.put(self.heap[child], at: place)
                place = child
            }
            self.put(entry, at: place)
        }

        private mutating func put(_ entry: (at: Instant, who: Sleeper), at place: Int) {
            self.heap[place] = entry
            entry.who.place = Int32(place)
        }
    }
#endif
