import ChaosCore
import NodeKit

extension RaftNode {
    mutating func electionTimer() -> Effect {
        .setTimer("election", after: self.randomness.jittered(Self.electionTimeout))
    }

    mutating func electionTimerFired() -> [Effect] {
        if case .leader(var leadership) = self.role {
            let hasMajority = leadership.heardFrom.count + 1 >= self.majority
            leadership.heardFrom = []
            self.role = .leader(leadership)
            if hasMajority || self.flaws.contains(.trustsItsOffice) {
                return [self.electionTimer()]
            }
            // Cut off from the majority, which may have another leader by now.
            return self.stepDown(to: self.term) + [self.electionTimer()]
        }
        self.term += 1
        self.vote = self.id
        self.leader = nil
        self.role = .candidate(votes: [self.id])
        let body: JSONObject = [
            "type": "request_vote", "term": .int(self.term), "last": .int(self.log.lastIndex),
            "last_term": .int(self.log.lastTerm),
        ]
        return [.append(self.ballot), self.electionTimer()]
            + self.membership.others.map { .send(to: $0, body) } + self.leadIfElected()
    }

    /// Grants a vote to the first candidate of a term whose log is at least as recent.
    mutating func judgeCandidate(_ message: Message) -> [Effect] {
        guard let term = message["term"]?.intValue, let last = message["last"]?.intValue,
            let lastTerm = message["last_term"]?.intValue
        else { return [] }
        var effects = term > self.term ? self.stepDown(to: term) : []
        let isRecent = (lastTerm, last) >= (self.log.lastTerm, self.log.lastIndex)
        let isFree = self.vote == nil || self.vote == message.source
        let isGranted = term == self.term && isFree && isRecent
        if isGranted {
            if self.vote == nil {
                self.vote = message.source
                effects.append(.append(self.ballot))
            }
            effects.append(self.electionTimer())
        }
        let body: JSONObject = [
            "type": "vote", "term": .int(self.term), "granted": .bool(isGranted),
        ]
        return effects + [.send(to: message.source, body)]
    }

    mutating func count(_ message: Message) -> [Effect] {
        guard let term = message["term"]?.intValue else { return [] }
        if term > self.term { return self.stepDown(to: term) }
        guard term == self.term, message["granted"] == true,
            case .candidate(var votes) = self.role
        else { return [] }
        votes.insert(message.source)
        self.role = .candidate(votes: votes)
        return self.leadIfElected()
    }

    private mutating func leadIfElected() -> [Effect] {
        guard case .candidate(let votes) = self.role, votes.count >= self.majority else {
            return []
        }
        self.leader = self.id
        // An entry of its own term tells a leader, once it is committed, where the log stands.
        let first = self.log.append(RaftLog.Entry(term: self.term, command: .null))
        self.role = .leader(
            Leadership(others: self.membership.others, firstIndex: self.log.lastIndex))
        return [first] + self.advanceCommit() + self.passPending(to: self.id) + self.beat()
    }

    /// Becomes a follower, of a later term or of this one. Reads that wait had no effect.
    mutating func stepDown(to term: Int64) -> [Effect] {
        var effects: [Effect] = []
        if case .leader(let leadership) = self.role {
            let body = JSONObject.error(.temporarilyUnavailable, "lost the lead")
            // Those of this node's own clients go to the next leader.
            for read in leadership.reads where read.command.via != self.id {
                effects += self.answer(read.command, body)
            }
        }
        self.role = .follower
        self.leader = nil
        if term > self.term {
            self.term = term
            self.vote = nil
            effects.append(.append(self.ballot))
        }
        return effects
    }
}
