import ChaosCore

/// Sorts the elements of a set by their fate.
struct SetCensus {
    /// An element that was known and is missing at the end.
    struct Loss {
        let element: SetObservations.Element
        /// The final reads without it that began after it was known.
        let absences: [Operation]
    }

    /// An element that stayed, and how long it took to be visible everywhere.
    struct Arrival {
        let element: SetObservations.Element
        /// Nanoseconds from when it was known until the last read without it began.
        let latency: Int64
        /// The last read without it, if one began after it was known.
        let lastAbsence: Operation?
    }

    private(set) var lost: [Loss] = []
    private(set) var stable: [Arrival] = []
    private(set) var neverRead: [SetObservations.Element] = []
    private(set) var unsettled: [SetObservations.Element] = []

    /// The stable elements that some read missed after they were known.
    var stale: [Arrival] { self.stable.filter { $0.latency > 0 } }

    init(_ observations: SetObservations) {
        var lastAbsence: [Operation?] = Array(repeating: nil, count: observations.elements.count)
        var absences: [[Operation]] = Array(repeating: [], count: observations.elements.count)
        var presences = Array(repeating: 0, count: observations.elements.count)
        let finalReads = observations.reads.filter { $0.begin.isFinal }

        var isPresent = Array(repeating: false, count: observations.elements.count)
        for read in observations.reads {
            for position in read.elements { isPresent[position] = true }
            for position in isPresent.indices {
                if isPresent[position] {
                    if read.begin.isFinal { presences[position] += 1 }
                } else {
                    lastAbsence[position] = read.begin
                    if read.begin.isFinal { absences[position].append(read.begin) }
                }
            }
            for position in read.elements { isPresent[position] = false }
        }

        for (position, element) in observations.elements.enumerated() {
            guard let known = element.known else { continue }
            let later = absences[position].filter { $0.index > known.index }
            if !later.isEmpty {
                self.lost.append(Loss(element: element, absences: later))
            } else if presences[position] > 0 && presences[position] == finalReads.count {
                self.stable.append(Self.arrival(of: element, known, lastAbsence[position]))
            } else if presences[position] > 0 {
                self.unsettled.append(element)
            } else if element.acknowledgement != nil {
                self.neverRead.append(element)
            }
        }
    }

    /// Jepsen's stable latency: from *known* to a nanosecond after the last read without it began.
    private static func arrival(
        of element: SetObservations.Element, _ known: Operation, _ lastAbsence: Operation?
    ) -> Arrival {
        guard let lastAbsence, lastAbsence.time >= known.time else {
            return Arrival(element: element, latency: 0, lastAbsence: nil)
        }
        let latency = lastAbsence.time.nanoseconds + 1 - known.time.nanoseconds
        return Arrival(element: element, latency: latency, lastAbsence: lastAbsence)
    }
}
