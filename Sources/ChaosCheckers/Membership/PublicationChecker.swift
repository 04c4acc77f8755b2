import ChaosCore

/// Checks what is published to the members of groups: `add MEMBER` joins, `publish MESSAGE` goes to all members, and in the end `inbox MEMBER` ended with
/// `{value, age_us}`: what the member got and how long it has lived. `greetings` of a node ended with `[{message, to, ago_us}]`: what it
/// published by itself when another node came up, for that node's own member (the inbox of a member that nobody joined).
///
/// - **lost**: a message is missing from the inbox of a member that had joined ``within`` before; a greeting from that of a member that lived.
///   Nothing is promised while something that may lose messages disturbs the cluster, nor ``within`` before and after it: published is at most
///   once. A greeting is promised from the moment on at which the node came up.
/// - **doubled**: a message is twice in an inbox.
/// - **invented**: a member that clients joined has a message that nobody published.
///
/// Messages times members. Unknown where no inbox was read in the end, or nothing was promised to anybody.
package struct PublicationChecker: Checker {
    /// How long it may take until all nodes know of a member, and until a message arrives.
    package let within: Duration
    private var disturbances: [Disturbance] = []

    package init(within: Duration = .milliseconds(1500)) { self.within = within }

    package var name: String { "pubsub" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.disturbances = disturbances.filter { !$0.losesNothing }
        return copy
    }

    /// What a member says in the end.
    private struct Inbox {
        let member: JSONValue
        let node: String
        let messages: [JSONValue]
        /// When it was asked.
        let time: Instant
        /// Between these moments it began to live.
        let birth: (earliest: Instant, latest: Instant)

        init?(_ read: Invocation) {
            guard read.begin.function == "inbox", read.begin.isFinal, read.outcome == .ok,
                let node = read.begin.node, let end = read.end,
                let messages = end.value["value"]?.arrayValue,
                let age = end.value["age_us"]?.amount
            else { return nil }
            (self.member, self.node, self.messages) = (read.begin.value, node, messages)
            self.time = read.begin.time
            self.birth = (
                read.begin.time - .microseconds(age), end.time - .microseconds(age)
            )
        }

        var place: String { "the inbox of \(self.member.text) on \(self.node)" }
    }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let inboxes = invocations.compactMap(Inbox.init)
        let publications = invocations.filter { $0.begin.function == "publish" }
        let tried = Set(publications.filter { $0.outcome != .fail }.map(\.begin.value))
        var joins: [JSONValue: Instant] = [:]
        for join in invocations where join.begin.function == "add" && join.outcome == .ok {
            joins[join.begin.value] = join.end?.time
        }
        var found: [(name: String, line: String)] = []
        var promisedCount = 0
        for inbox in inboxes {
            found += Self.doubled(inbox)
            guard let join = joins[inbox.member] else { continue }
            let since = max(join, inbox.birth.latest)
            let got = Set(inbox.messages)
            for message in inbox.messages where !tried.contains(message) {
                found.append(
                    ("invented", "nobody published \(message.text), which is in \(inbox.place)"))
            }
            for publication in publications
            where self.isPromised(publication, since: since, inbox) {
                promisedCount += 1
                if got.contains(publication.begin.value) { continue }
                let what = "\(publication.begin.value.text), published at \(publication.place)"
                found.append(("lost", "\(what), is not in \(inbox.place)"))
            }
        }
        let ownInboxes = inboxes.filter { joins[$0.member] == nil }
        for read in invocations where read.begin.function == "greetings" && read.outcome == .ok {
            let (told, lost) = self.judge(greetings: read, ownInboxes)
            promisedCount += told
            found += lost
        }
        return Finding(
            checker: self.name, found: found,
            gap: inboxes.isEmpty
                ? "no inbox was read in the end"
                : promisedCount == 0 ? "nothing was promised to anybody" : nil,
            praise: "\(counted(promisedCount, "message")) reached whom they were promised to",
            statistics: [
                "inbox_count": .int(Int64(inboxes.count)),
                "published_count": .int(Int64(tried.count)),
                "promised_count": .int(Int64(promisedCount)),
            ])
    }

    private static func doubled(_ inbox: Inbox) -> [(name: String, line: String)] {
        var seen: Set<JSONValue> = []
        return inbox.messages.filter { !seen.insert($0).inserted }.map {
            ("doubled", "\($0.text) is twice in \(inbox.place)")
        }
    }

    private func isPromised(
        _ publication: Invocation, since: Instant, _ inbox: Inbox
    ) -> Bool {
        guard publication.outcome == .ok, let end = publication.end else { return false }
        let begin = publication.begin.time
        return since + self.within <= begin && end.time + self.within <= inbox.time
            && self.isPeaceful(from: begin - self.within, until: end.time + self.within)
    }

    /// What a node published when others came up, and their own members did not get.
    private func judge(
        greetings read: Invocation, _ inboxes: [Inbox]
    ) -> (promised: Int, lost: [(name: String, line: String)]) {
        guard let node = read.begin.node, let end = read.end else { return (0, []) }
        var promised = 0
        var lost: [(name: String, line: String)] = []
        for greeting in end.value.arrayValue ?? [] {
            guard let message = greeting["message"], let ago = greeting["ago_us"]?.amount,
                let inbox = inboxes.first(where: { $0.node == greeting["to"]?.stringValue })
            else { continue }
            let earliest = read.begin.time - .microseconds(ago)
            let latest = end.time - .microseconds(ago)
            guard inbox.birth.earliest <= latest, latest + self.within <= inbox.time,
                self.isPeaceful(from: earliest, until: latest + self.within)
            else { continue }
            promised += 1
            if inbox.messages.contains(message) { continue }
            let what = "\(message.text), published by \(node) at \(moment(earliest))"
            lost.append(("lost", "\(what), is not in \(inbox.place)"))
        }
        return (promised, lost)
    }

    /// Whether nothing disturbed the cluster in between.
    private func isPeaceful(from begin: Instant, until end: Instant) -> Bool {
        !self.disturbances.contains { $0.begin <= end && begin <= $0.end }
    }
}
