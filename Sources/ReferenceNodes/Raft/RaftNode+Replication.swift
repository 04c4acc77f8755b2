import ChaosCore
import NodeKit

extension RaftNode {
    /// The most entries in a message.
    private static var batchLimit: Int { 128 }
    /// After how many heartbeats without progress what was sent counts as lost.
    private static var patience: Int { 3 }

    // MARK: Leader

    /// Writes to all followers, as a leader does regularly.
    mutating func beat() -> [Effect] {
        guard case .leader(var leadership) = self.role else { return [] }
        for name in leadership.followers.keys {
            guard var progress = leadership.followers[name] else { continue }
            progress.silentBeats = progress.next > progress.base ? progress.silentBeats + 1 : 0
            if progress.silentBeats >= Self.patience {
                progress.silentBeats = 0
                progress.next = progress.base
            }
            leadership.followers[name] = progress
        }
        self.role = .leader(leadership)
        return self.beginRound() + [.setTimer("heartbeat", after: Self.heartbeatInterval)]
    }

    /// Writes to all followers now; their answers prove that they still follow.
    mutating func beginRound() -> [Effect] {
        guard case .leader(var leadership) = self.role else { return [] }
        leadership.round += 1
        self.role = .leader(leadership)
        return self.membership.others.flatMap { self.replicate(to: $0) } + self.finishReads()
    }

    /// Sends a follower what it lacks, or that it lacks nothing.
    private mutating func replicate(to follower: String) -> [Effect] {
        guard case .leader(var leadership) = self.role,
            var progress = leadership.followers[follower]
        else { return [] }
        let body: JSONObject
        let previous = progress.next - 1
        if let previousTerm = self.log.term(at: previous) {
            let entries = self.log.entries(from: progress.next, limit: Self.batchLimit)
            body = [
                "type": "append", "term": .int(self.term), "previous": .int(previous),
                "previous_term": .int(previousTerm), "entries": .array(entries.map(\.json)),
                "commit": .int(self.commitIndex), "round": .int(leadership.round),
            ]
            // Taken to arrive; if it does not, heartbeats without progress tell.
            progress.next += Int64(entries.count)
        } else {
            let snapshot = self.log.snapshot
            body = [
                "type": "snapshot", "term": .int(self.term), "index": .int(snapshot.index),
                "last_term": .int(snapshot.term), "state": snapshot.state,
                "round": .int(leadership.round),
            ]
            progress.next = snapshot.index + 1
        }
        leadership.followers[follower] = progress
        self.role = .leader(leadership)
        return [.send(to: follower, body)]
    }

    /// Adds a command to the log and sends it to all followers.
    mutating func propose(_ command: RaftCommand) -> [Effect] {
        let entry = self.log.append(RaftLog.Entry(term: self.term, command: command.json))
        return [entry] + self.membership.others.flatMap { self.replicate(to: $0) }
            + self.advanceCommit()
    }

    mutating func noteProgress(_ message: Message) -> [Effect] {
        guard let term = message["term"]?.intValue, let match = message["match"]?.intValue,
            let round = message["round"]?.intValue
        else { return [] }
        if term > self.term { return self.stepDown(to: term) }
        guard term == self.term, case .leader(var leadership) = self.role,
            var progress = leadership.followers[message.source]
        else { return [] }
        leadership.heardFrom.insert(message.source)
        progress.round = max(progress.round, round)
        var effects: [Effect] = []
        if message["ok"] == true {
            if match > progress.match { progress.silentBeats = 0 }
            progress.match = max(progress.match, match)
            progress.base = progress.match + 1
            progress.next = max(progress.next, progress.base)
            leadership.followers[message.source] = progress
            self.role = .leader(leadership)
            if progress.next <= self.log.lastIndex { effects = self.replicate(to: message.source) }
        } else {
            // `match` is where the follower's log ends at most.
            progress.base = max(progress.match + 1, min(progress.base, match + 1))
            progress.next = progress.base
            leadership.followers[message.source] = progress
            self.role = .leader(leadership)
            effects = self.replicate(to: message.source)
        }
        return effects + self.advanceCommit() + self.finishReads()
    }

    /// Commits what a majority has, if it is of this term: earlier terms' entries follow from that
    /// (Raft, section 5.4.2).
    mutating func advanceCommit() -> [Effect] {
        guard case .leader(let leadership) = self.role else { return [] }
        let index =
            self.flaws.contains(.acknowledgesFirst)
            ? self.log.lastIndex
            : leadership.replicatedIndex(ownIndex: self.log.lastIndex, majority: self.majority)
        guard index > self.commitIndex, self.log.term(at: index) == self.term else { return [] }
        self.commitIndex = index
        return self.applyCommitted() + self.finishReads()
    }

    // MARK: Follower

    mutating func follow(_ message: Message) -> [Effect] {
        guard let term = message["term"]?.intValue, let round = message["round"]?.intValue else {
            return []
        }
        if term < self.term { return [self.appended(false, 0, round: round, to: message)] }
        var effects: [Effect] = []
        if term > self.term || !self.isFollower { effects = self.stepDown(to: term) }
        if self.leader != message.source {
            self.leader = message.source
            effects += self.passPending(to: message.source)
        }
        effects.append(self.electionTimer())
        return effects
            + (message.type == "append"
                ? self.takeEntries(message, round: round)
                : self.takeSnapshot(message, round: round))
    }

    private var isFollower: Bool {
        if case .follower = self.role { return true }
        return false
    }

    private func appended(
        _ isOk: Bool, _ match: Int64, round: Int64, to message: Message
    ) -> Effect {
        let body: JSONObject = [
            "type": "appended", "term": .int(self.term), "ok": .bool(isOk), "match": .int(match),
            "round": .int(round),
        ]
        return .send(to: message.source, body)
    }

    private mutating func takeEntries(_ message: Message, round: Int64) -> [Effect] {
        guard let previous = message["previous"]?.intValue,
            let previousTerm = message["previous_term"]?.intValue,
            let commit = message["commit"]?.intValue
        else { return [] }
        let entries = (message["entries"]?.arrayValue ?? []).compactMap { RaftLog.Entry($0) }
        // What the snapshot has swallowed is committed, and so the same everywhere.
        let fits =
            previous < self.log.snapshot.index || self.log.term(at: previous) == previousTerm
        guard fits else {
            let end = min(self.log.lastIndex, previous - 1)
            return [self.appended(false, end, round: round, to: message)]
        }
        let records = self.log.merge(entries, after: previous)
        let match = previous + Int64(entries.count)
        self.commitIndex = max(self.commitIndex, min(commit, match))
        return records + [self.appended(true, match, round: round, to: message)]
            + self.applyCommitted()
    }

    private mutating func takeSnapshot(_ message: Message, round: Int64) -> [Effect] {
        guard let index = message["index"]?.intValue,
            let lastTerm = message["last_term"]?.intValue, let state = message["state"]
        else { return [] }
        let answer = self.appended(true, index, round: round, to: message)
        if index <= self.commitIndex { return [answer] }
        let snapshot = RaftLog.Snapshot(index: index, term: lastTerm, state: state)
        self.log.compact(into: snapshot)
        self.restore(snapshot)
        return [.replaceLog([self.ballot] + self.log.records), answer]
    }

    // MARK: State

    /// Takes a snapshot for the state.
    mutating func restore(_ snapshot: RaftLog.Snapshot) {
        self.machine = Machine(snapshot: snapshot.state["machine"] ?? nil)
        self.applied = AppliedRequests(snapshot: snapshot.state["applied"] ?? nil)
        self.appliedIndex = snapshot.index
        self.commitIndex = max(self.commitIndex, snapshot.index)
    }

    /// Applies what is committed, answers whom it concerns, and now and then takes a snapshot.
    private mutating func applyCommitted() -> [Effect] {
        var effects: [Effect] = []
        while self.appliedIndex < self.commitIndex, let entry = self.log[self.appliedIndex + 1] {
            self.appliedIndex += 1
            guard let command = RaftCommand(entry.command) else { continue }
            let known = self.flaws.contains(.repeats) ? nil : self.applied[command.identity]
            let answer = known ?? self.machine.apply(command.request)
            self.applied.note(answer, for: command.identity)
            effects += self.answerApplied(command, answer)
        }
        if self.appliedIndex - self.log.snapshot.index >= Int64(Self.snapshotInterval) {
            effects += self.takeOwnSnapshot()
        }
        return effects
    }

    private mutating func takeOwnSnapshot() -> [Effect] {
        guard let term = self.log.term(at: self.appliedIndex) else { return [] }
        let state: JSONValue = [
            "machine": self.machine.snapshot, "applied": self.applied.snapshot,
        ]
        self.log.compact(
            into: RaftLog.Snapshot(index: self.appliedIndex, term: term, state: state))
        return [.replaceLog([self.ballot] + self.log.records)]
    }
}
