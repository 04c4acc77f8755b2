import ChaosCore

/// Finds what must not happen in logs that are appended to and polled (the classes of Jepsen's Kafka test).
struct LogAnomalies {
    private let history: LogHistory
    private let versions: LogVersions
    /// What was found: name and line, in order of discovery.
    private(set) var found: [(name: String, line: String)] = []

    init(_ history: LogHistory, _ versions: LogVersions) {
        self.history = history
        self.versions = versions
        self.judgeLogs()
        self.judgeSends()
        self.judgePolls()
        self.judgeProcesses()
    }

    private mutating func add(_ name: String, _ line: String) { self.found.append((name, line)) }

    private func place(_ invocation: Invocation) -> String {
        let end = invocation.end ?? invocation.begin
        return "process \(end.process) at index \(end.index)"
    }

    /// Two values at one offset, one value at two offsets.
    private mutating func judgeLogs() {
        for (key, log) in self.versions.logs.enumerated() {
            for conflict in log.conflicts {
                let values = conflict.values.map(\.text).joined(separator: ", ")
                self.add(
                    "inconsistent-offsets",
                    "offset \(conflict.offset) of \(self.history.keys[key]) holds \(values)")
            }
            for double in log.doubles {
                let offsets = double.offsets.map(String.init).joined(separator: ", ")
                self.add(
                    "duplicate",
                    "\(double.value.text) of \(self.history.keys[key]) is at the offsets \(offsets)"
                )
            }
        }
    }

    /// What was sent and is gone, was never seen, or was seen though it failed.
    private mutating func judgeSends() {
        var polled: [Set<JSONValue>] = Array(repeating: [], count: self.history.keys.count)
        var furthest = Array(repeating: -1, count: self.history.keys.count)
        for poll in self.history.polls {
            for record in poll.records {
                polled[poll.key].insert(record.value)
                let position = self.versions.position(of: record.offset, key: poll.key)
                furthest[poll.key] = max(furthest[poll.key], position)
            }
        }
        for send in self.history.sends {
            let key = self.history.keys[send.key]
            let isSeen = polled[send.key].contains(send.value)
            switch send.invocation.outcome {
            case .ok where !isSeen:
                let position = self.versions.logs[send.key].positions[send.value]
                if let position, position < furthest[send.key] {
                    self.add(
                        "lost-write",
                        "\(send.value.text) was sent to \(key) by \(self.place(send.invocation)), and polls went past its"
                            + " offset \(send.offset.map(String.init) ?? "?") without it")
                } else {
                    self.add(
                        "unseen",
                        "\(send.value.text) was sent to \(key) by \(self.place(send.invocation)), and no poll showed it"
                    )
                }
            case .fail where isSeen:
                self.add("G1a", "\(send.value.text) of \(key) was polled, though its send failed")
            default: break
            }
        }
        // What nobody sent.
        var sent: [Set<JSONValue>] = Array(repeating: [], count: self.history.keys.count)
        for send in self.history.sends { sent[send.key].insert(send.value) }
        for (key, values) in polled.enumerated() {
            for value in values.subtracting(sent[key]).sorted(by: { $0.text < $1.text }) {
                self.add(
                    "garbage-read",
                    "\(value.text) of \(self.history.keys[key]) was polled, though nobody sent it")
            }
        }
    }

    /// Inside one poll: offsets grow without leaving out what is known to lie between.
    private mutating func judgePolls() {
        for poll in self.history.polls {
            for (first, second) in zip(poll.records, poll.records.dropFirst()) {
                self.compare(
                    first.offset, second.offset, key: poll.key, skip: "int-poll-skip",
                    back: "int-nonmonotonic-poll", what: "poll of \(self.place(poll.invocation))")
            }
        }
        var sent: [Int: Set<JSONValue>] = [:]
        for send in self.history.sends where send.invocation.begin.function == "txn" {
            sent[send.operation, default: []].insert(send.value)
        }
        for poll in self.history.polls {
            guard let own = sent[poll.operation],
                let record = poll.records.first(where: { own.contains($0.value) })
            else { continue }
            self.add(
                "precommitted-read",
                "\(record.value.text) of \(self.history.keys[poll.key]) was polled by the transaction that sent it:"
                    + " \(self.place(poll.invocation))")
        }
    }

    private mutating func compare(
        _ first: Int64, _ second: Int64, key: Int, skip: String?, back: String?, what: String
    ) {
        let from = self.versions.position(of: first, key: key)
        let to = self.versions.position(of: second, key: key)
        let name = self.history.keys[key]
        if to <= from, let back {
            self.add(back, "\(what) went from offset \(first) of \(name) back to \(second)")
        } else if to > from + 1, let skip {
            let skipped = self.versions.logs[key].order[(from + 1)..<to].prefix(8)
                .map(\.value.text).joined(separator: " ")
            self.add(
                skip, "\(what) went from offset \(first) of \(name) to \(second), past \(skipped)")
        }
    }

    /// Where a process stands in the logs.
    private struct Standing {
        var polled: [Int: Int64] = [:]
        var sent: [Int: Int64] = [:]
        var assigned: Set<Int> = []
        var hasSubscribed = false
        /// Where its last operation left off, for what happens inside one.
        var operation = -1
        var sentHere: [Int: Int64] = [:]
        var polledHere: Set<Int> = []
    }

    /// From one operation of a process to the next, and between the steps of one.
    private mutating func judgeProcesses() {
        var standings: [Int: Standing] = [:]
        for (process, operation, move) in self.history.moves {
            var standing = standings[process] ?? Standing()
            if standing.operation != operation {
                standing.operation = operation
                standing.sentHere = [:]
                standing.polledHere = []
            }
            switch move {
            case .assign(let keys):
                // It goes on where it was with the keys that it keeps.
                let kept = keys.intersection(standing.assigned)
                standing.polled = standing.polled.filter { kept.contains($0.key) }
                standing.assigned = keys
            case .subscribe:
                standing.polled = [:]
                standing.hasSubscribed = true
            case .send(let number): self.judge(self.history.sends[number], &standing)
            case .poll(let number): self.judge(self.history.polls[number], &standing)
            }
            standings[process] = standing
        }
    }

    private mutating func judge(_ send: LogHistory.Send, _ standing: inout Standing) {
        guard let offset = send.offset else { return }
        let what = "send of \(self.place(send.invocation))"
        if let previous = standing.sentHere[send.key] {
            // Other senders may come between.
            self.compare(
                previous, offset, key: send.key, skip: nil, back: "int-nonmonotonic-send",
                what: what)
        } else if let previous = standing.sent[send.key] {
            self.compare(
                previous, offset, key: send.key, skip: nil, back: "nonmonotonic-send", what: what)
        }
        standing.sentHere[send.key] = offset
        standing.sent[send.key] = offset
    }

    private mutating func judge(_ poll: LogHistory.Poll, _ standing: inout Standing) {
        guard let first = poll.records.first, let last = poll.records.last else { return }
        let what = "poll of \(self.place(poll.invocation))"
        let isInside = standing.polledHere.contains(poll.key)
        // Whoever subscribes may be given a log anew at any time.
        if let previous = standing.polled[poll.key], isInside || !standing.hasSubscribed {
            self.compare(
                previous, first.offset, key: poll.key,
                skip: isInside ? "int-poll-skip" : "poll-skip",
                back: isInside ? "int-nonmonotonic-poll" : "nonmonotonic-poll", what: what)
        }
        standing.polledHere.insert(poll.key)
        standing.polled[poll.key] = last.offset
    }
}
