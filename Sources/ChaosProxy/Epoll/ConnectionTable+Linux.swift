#if os(Linux)
    /// The connections of one thread by place, so that an event finds its own and nobody else's: the
    /// generation tells apart those that had the same place one after the other.
    struct ConnectionTable {
        private var places: [EpollConnection?] = []
        private var generations: [UInt32] = []
        private var free: [Int] = []

        subscript(place: Int) -> EpollConnection? { self.places[place] }

        func generation(at place: Int) -> UInt32 { self.generations[place] }

        /// All that are there, in no particular order.
        var all: [EpollConnection] { self.places.compactMap { $0 } }

        /// Takes a connection in and tells its place.
        mutating func add(_ connection: EpollConnection) -> Int {
            if let place = self.free.popLast() {
                self.places[place] = connection
                return place
            }
            self.places.append(connection)
            self.generations.append(0)
            return self.places.count - 1
        }

        mutating func remove(at place: Int) {
            self.places[place] = nil
            self.generations[place] &+= 1
            self.free.append(place)
        }
    }
#endif
