import ChaosCore
import NodeKit

/// What a leader knows of its followers, and the reads that wait for them.
struct Leadership: Sendable {
    /// How far a follower is.
    struct Progress: Sendable {
        /// The index of the next entry to send.
        var next: Int64
        /// From where on is sent again when what was sent got lost.
        var base: Int64
        /// Up to where its log is known to equal the leader's.
        var match: Int64 = 0
        /// The latest round that it answered.
        var round: Int64 = 0
        /// How many heartbeats went by while something sent was not acknowledged.
        var silentBeats = 0
    }

    /// A read that waits until the leader is sure that it still leads.
    struct Read: Sendable {
        let command: RaftCommand
        /// What must be applied before it is answered.
        let index: Int64
        /// A majority must have answered this round, which began after the read came.
        let round: Int64
    }

    var followers: [String: Progress] = [:]
    /// The index of the entry that the leader began with.
    let firstIndex: Int64
    /// Counts the times that all followers were written to.
    var round: Int64 = 0
    var reads: [Read] = []
    /// Who answered since the election timer fired last.
    var heardFrom: Set<String> = []

    init(others: [String], firstIndex: Int64) {
        self.firstIndex = firstIndex
        for other in others { self.followers[other] = Progress(next: firstIndex, base: firstIndex) }
    }

    /// The latest round that a majority answered, the leader itself included.
    func confirmedRound(majority: Int) -> Int64 {
        let rounds = ([self.round] + self.followers.values.map(\.round)).sorted(by: >)
        return rounds[majority - 1]
    }

    /// The highest index that a majority has, the leader itself included.
    func replicatedIndex(ownIndex: Int64, majority: Int) -> Int64 {
        let indices = ([ownIndex] + self.followers.values.map(\.match)).sorted(by: >)
        return indices[majority - 1]
    }
}
