import ChaosCore
import NodeKit
import OrderedCollections

extension RaftNode {
    /// Serves a client of this node.
    mutating func serve(_ message: Message) -> [Effect] {
        let isQuery: Bool
        do {
            isQuery = try Machine.isQuery(message)
        } catch {
            return [error.answer]
        }
        // Without a number it wants no answer, and could not be told from its own repetition.
        if message.id == nil { return [] }
        if !self.flaws.contains(.repeats) {
            switch self.served.admit(message) {
            case .new: break
            case .pending: return []
            case .answered(let body): return [.reply(to: message, body)]
            }
        }
        let command = RaftCommand(
            client: message.source, request: message.body, via: self.id,
            life: Int64(self.membership.life.incarnation))
        if isQuery, self.flaws.contains(.readsLocally) {
            return self.answer(command, self.machine.query(message.body))
        }
        guard let leader = self.leader else {
            return self.answer(
                command, .error(.temporarilyUnavailable, "there is no leader now"))
        }
        if !self.flaws.contains(.repeats) {
            self.pending[command.identity] = (command, self.now)
        }
        return self.pass(command, to: leader)
    }

    private mutating func pass(_ command: RaftCommand, to leader: String) -> [Effect] {
        if leader == self.id {
            let isQuery = (try? Machine.isQuery(command.message)) ?? true
            return self.lead(command, isQuery: isQuery)
        }
        return [.send(to: leader, ["type": "forward", "command": command.json])]
    }

    /// Tells a new leader what clients still wait for. What the old one did all the same is not done
    /// again, since a command that stands in the log twice takes effect once.
    mutating func passPending(to leader: String) -> [Effect] {
        let oldest = self.now - Self.clientPatience
        self.pending.removeAll { $0.value.since < oldest }
        return self.pending.values.map(\.command).flatMap { self.pass($0, to: leader) }
    }

    /// Serves another node's client.
    mutating func serveForwarded(_ message: Message) -> [Effect] {
        guard let command = message["command"].flatMap({ RaftCommand($0) }) else { return [] }
        let isQuery = (try? Machine.isQuery(command.message)) ?? true
        if case .leader = self.role { return self.lead(command, isQuery: isQuery) }
        // Only of reads is it sure that no copy of the request took effect.
        if !isQuery { return [] }
        return self.answer(command, .error(.temporarilyUnavailable, "lost the lead"))
    }

    private mutating func lead(_ command: RaftCommand, isQuery: Bool) -> [Effect] {
        guard case .leader(var leadership) = self.role else { return [] }
        if !isQuery { return self.propose(command) }
        if self.flaws.contains(.trustsItsOffice) || self.flaws.contains(.readsLocally) {
            return self.answer(command, self.machine.query(command.request))
        }
        // ReadIndex (Ongaro, Consensus: Bridging Theory and Practice, section 6.4): what is committed
        // now, once a majority has answered something that was sent after now.
        let index = max(self.commitIndex, leadership.firstIndex)
        let isIdle = leadership.confirmedRound(majority: self.majority) >= leadership.round
        leadership.reads.append(
            Leadership.Read(command: command, index: index, round: leadership.round + 1))
        self.role = .leader(leadership)
        return isIdle ? self.beginRound() : []
    }

    /// Answers the reads that wait for nothing any more, and begins a round for those that need one.
    mutating func finishReads() -> [Effect] {
        guard case .leader(var leadership) = self.role, !leadership.reads.isEmpty else { return [] }
        let confirmed = leadership.confirmedRound(majority: self.majority)
        let ready = leadership.reads.filter {
            $0.round <= confirmed && $0.index <= self.appliedIndex
        }
        leadership.reads.removeAll { $0.round <= confirmed && $0.index <= self.appliedIndex }
        self.role = .leader(leadership)
        var effects: [Effect] = []
        for read in ready {
            effects += self.answer(read.command, self.machine.query(read.command.request))
        }
        let needsRound = leadership.reads.contains { $0.round > leadership.round }
        return needsRound && confirmed >= leadership.round ? effects + self.beginRound() : effects
    }

    /// Answers a command that was applied: the client of this node, or, as the leader, by way of the
    /// node that it talked to.
    mutating func answerApplied(_ command: RaftCommand, _ answer: JSONObject) -> [Effect] {
        if command.via == self.id {
            let isOfThisLife = command.life == Int64(self.membership.life.incarnation)
            return isOfThisLife ? self.answer(command, answer) : []
        }
        if case .leader = self.role { return self.answer(command, answer) }
        return []
    }

    /// Brings an answer on its way to the client.
    mutating func answer(_ command: RaftCommand, _ answer: JSONObject) -> [Effect] {
        if command.via != self.id {
            let body: JSONObject = [
                "type": "answer", "command": command.json, "answer": .object(answer),
            ]
            return [.send(to: command.via, body)]
        }
        let request = command.message
        self.pending[command.identity] = nil
        if !self.flaws.contains(.repeats) {
            if self.served.isAnswered(request) { return [] }
            self.served.note(answer, for: request)
        }
        return [.reply(to: request, answer)]
    }

    /// Tells this node's client what the leader answered.
    mutating func passOn(_ message: Message) -> [Effect] {
        guard let command = message["command"].flatMap({ RaftCommand($0) }),
            let answer = message["answer"]?.objectValue, command.via == self.id
        else { return [] }
        return self.answer(command, answer)
    }
}
