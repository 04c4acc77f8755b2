import ChaosCore

/// Checks the links that nodes keep to each other, by what each node said: `list` ended with `[{node, life, connection}]`, `ping` of
/// a node with `{answer, connection}`, where the answer is pong or pang, and `news` with `[{event, node, connection, reason}]`.
///
/// - **zombie**: a link stayed in use for longer than ``within``, and no ping over it was answered in that time.
/// - **asymmetric**, **incomplete**: in the last lists one node shows another that does not show it, or nodes that are linked by way of others
///   are not linked with each other.
/// - **unreachable**: a node could not be connected to in the end.
/// - **intruder**: one of the ``strangers`` was ever linked.
/// - **twice-up**: a link came up while another one to the same node was up.
/// - **dropped**: a link ended that nobody ended, where it is promised that there is none (``isSteady``).
///
/// Linear in the operations, times the nodes in each list. Unknown without two final lists.
package struct ConnectionsChecker: Checker {
    /// After how long without an answer a link has to be given up.
    package let within: Duration
    /// Nodes that do not belong to the cluster.
    package let strangers: [String]
    /// Whether links end only where somebody asked for it.
    package let isSteady: Bool

    package init(
        within: Duration = .seconds(2), strangers: [String] = [], isSteady: Bool = false
    ) {
        self.within = within
        self.strangers = strangers
        self.isSteady = isSteady
    }

    package var name: String { "connections" }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let lists = self.finalLists(invocations)
        var found = self.zombies(invocations)
        found += Self.mesh(lists)
        found += self.unreachable(invocations)
        found += self.intruders(invocations)
        for operation in history.operations
        where operation.function == "news" && operation.kind == .ok {
            found += self.judge(news: operation.value.arrayValue ?? [], of: operation.node ?? "")
        }
        let pongs = invocations.count { Self.pong($0)?.isAnswered == true }
        let gap =
            lists.count < 2
            ? "fewer than two nodes told their links in the end"
            : pongs == 0 ? "no ping was answered" : nil
        return Finding(
            checker: self.name, found: found, gap: gap,
            praise: "\(lists.count) nodes show the same links, after \(counted(pongs, "pong"))",
            statistics: [
                "final_list_count": .int(Int64(lists.count)), "pong_count": .int(Int64(pongs)),
            ])
    }

    // MARK: - Links that do not answer

    private static func pong(
        _ invocation: Invocation
    ) -> (isAnswered: Bool, connection: Int64)? {
        guard invocation.begin.function == "ping", invocation.outcome == .ok,
            let value = invocation.end?.value, let connection = value["connection"]?.intValue
        else { return nil }
        return (value["answer"] == "pong", connection)
    }

    private struct Connection: Hashable {
        let node: String
        let peer: String
        let number: Int64
    }

    private func zombies(_ invocations: [Invocation]) -> [(name: String, line: String)] {
        /// When a ping over each connection was given up first, since one was answered.
        var silentSince: [Connection: Instant] = [:]
        var told: Set<Connection> = []
        var found: [(name: String, line: String)] = []
        let pings = invocations.filter { Self.pong($0) != nil }
            .sorted { ($0.end ?? $0.begin).time < ($1.end ?? $1.begin).time }
        for ping in pings {
            guard let pong = Self.pong(ping), let end = ping.end,
                let peer = ping.begin.value.stringValue
            else { continue }
            let connection = Connection(
                node: ping.begin.node ?? "", peer: peer, number: pong.connection)
            if pong.isAnswered {
                silentSince[connection] = nil
                continue
            }
            let since = silentSince[connection] ?? end.time
            silentSince[connection] = since
            if ping.begin.time - since > self.within, told.insert(connection).inserted {
                found.append(
                    (
                        "zombie",
                        "\(connection.node) still takes \(peer) for connected at"
                            + " \(moment(end.time)), who has not answered since \(moment(since))"
                    ))
            }
        }
        return found
    }

    // MARK: - What is there in the end

    /// What each node showed last.
    private func finalLists(_ invocations: [Invocation]) -> [(String, Set<String>)] {
        var lists: [String: Set<String>] = [:]
        for invocation in invocations
        where invocation.begin.function == "list" && invocation.begin.isFinal
            && invocation.outcome == .ok
        {
            guard let end = invocation.end, let node = invocation.begin.node,
                !self.strangers.contains(node)
            else { continue }
            lists[node] = Set(nodes(in: end.value))
        }
        return lists.sorted { $0.key < $1.key }
    }

    private static func mesh(_ lists: [(String, Set<String>)]) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        let known = Dictionary(uniqueKeysWithValues: lists)
        for (node, shown) in lists {
            for peer in shown.sorted() {
                if known[peer].map({ !$0.contains(node) }) == true {
                    let line = "\(node) shows \(peer), which does not show it"
                    found.append(("asymmetric", line))
                }
                for other in (known[peer] ?? []).sorted()
                where other != node && !shown.contains(other) {
                    let line = "\(node) is linked with \(peer), and not with its \(other)"
                    found.append(("incomplete", line))
                }
            }
        }
        return found
    }

    private func unreachable(_ invocations: [Invocation]) -> [(name: String, line: String)] {
        var last: [String: [String: Invocation]] = [:]
        for invocation in invocations
        where invocation.begin.function == "connect" && invocation.begin.isFinal {
            let node = invocation.begin.node ?? ""
            let peer = invocation.begin.value.stringValue ?? ""
            if self.strangers.contains(node) || self.strangers.contains(peer) { continue }
            last[node, default: [:]][peer] = invocation
        }
        return last.sorted { $0.key < $1.key }.flatMap { node, attempts in
            attempts.sorted { $0.key < $1.key }.compactMap { peer, attempt in
                if attempt.outcome == .ok { return nil }
                let reason = attempt.end?.error ?? "nobody knows why"
                return ("unreachable", "\(node) could not connect to \(peer): \(reason)")
            }
        }
    }

    private func intruders(_ invocations: [Invocation]) -> [(name: String, line: String)] {
        var told: Set<String> = []
        return invocations.compactMap { invocation in
            guard invocation.begin.function == "list", invocation.outcome == .ok,
                let end = invocation.end, let node = end.node,
                let stranger = nodes(in: end.value).first(where: { self.strangers.contains($0) }),
                told.insert(node).inserted
            else { return nil }
            return ("intruder", "\(node) is linked with \(stranger) at \(moment(end.time))")
        }
    }

    // MARK: - What nodes noticed

    private func judge(
        news: [JSONValue], of node: String
    ) -> [(name: String, line: String)] {
        var up: Set<String> = []
        var found: [(name: String, line: String)] = []
        for entry in news {
            let peer = entry["node"]?.stringValue ?? ""
            let number = entry["connection"]?.intValue ?? 0
            let place = "\(node)'s connection \(number), to \(peer),"
            if entry["event"] == "up" {
                if !up.insert(peer).inserted {
                    found.append(("twice-up", "\(place) came up beside another one"))
                }
                continue
            }
            up.remove(peer)
            let reason = entry["reason"]?.stringValue ?? ""
            if self.isSteady, reason != "disconnected" {
                found.append(("dropped", "\(place) ended, and nobody asked for it: \(reason)"))
            }
        }
        return found
    }
}

/// Whom a node shows as linked.
private func nodes(in list: JSONValue) -> [String] {
    (list.arrayValue ?? []).compactMap { $0["node"]?.stringValue }
}
