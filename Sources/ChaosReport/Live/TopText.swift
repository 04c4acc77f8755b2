import ChaosControl
import ChaosCore

/// What `chaos top` shows: two looks at a run, and what went on between them.
package enum TopText {
    /// The lines of one screen: the run, its clients, its nodes, what is on, and the links that carried most since
    /// the look before, as many as there is room for.
    ///
    /// - Parameters:
    ///   - before: The look before; nil for the first, which shows no rates.
    ///   - rows: How many lines there may be at most.
    package static func lines(
        _ now: RunStatus, since before: RunStatus?, rows: Int, _ style: TerminalStyle
    ) -> [String] {
        let run = now.run
        var lines = [
            "\(style.text(StyledText(run.name, .strong)))  seed \(run.seed.value)"
                + "  \(run.elapsed.sinceStart.roundedText)"
        ]
        if let clients = Self.clients(now.workload) { lines.append(clients) }
        lines += ["", Self.nodes(now.nodes, style)]
        lines += Self.injections(now.injections, style)
        let room = max(0, rows - lines.count - 3)
        lines += [""] + Self.links(now, since: before, most: room, style)
        return Array(lines.prefix(rows))
    }

    /// `clients  48.2 ops/s ok, 0 not ok, p50 2.1 ms, p99 30 ms, longest 81.5 ms in the last 5s`.
    private static func clients(_ workload: JSONObject) -> String? {
        guard let recent = workload["recent"]?.objectValue, let rate = recent["ops_per_s"] else {
            return nil
        }
        var words = ["\(rate.text) ops/s ok", "\(recent["not_ok_per_s"]?.text ?? "0") not ok"]
        for (name, key) in [("p50", "p50_ms"), ("p99", "p99_ms"), ("longest", "max_ms")] {
            if let value = recent[key] { words.append("\(name) \(value.text) ms") }
        }
        return "clients  " + words.joined(separator: ", ") + " in the last 5s"
    }

    /// All nodes on one line: most of them just run.
    private static func nodes(_ nodes: [RunStatus.Node], _ style: TerminalStyle) -> String {
        let words = nodes.map { node in
            let restarts = node.restarts == 0 ? "" : " (\(counted(node.restarts, "restart")))"
            return style.text(
                StyledText("\(node.name) \(node.state.rawValue)\(restarts)", node.state.tone))
        }
        return "nodes    " + (words.isEmpty ? "none" : words.joined(separator: "  "))
    }

    private static func injections(
        _ injections: [InjectionSummary], _ style: TerminalStyle
    ) -> [String] {
        injections.map { injection in
            let until = injection.until.map { ", until \($0.sinceStart.roundedText)" } ?? ""
            return style.text(StyledText("on       ", .bad))
                + "\(injection.id) \(injection.text) since \(injection.since.sinceStart.roundedText)"
                + until
        }
    }

    private static func links(
        _ now: RunStatus, since before: RunStatus?, most: Int, _ style: TerminalStyle
    ) -> [String] {
        let seconds = before.map { (now.run.elapsed - $0.run.elapsed).inSeconds } ?? 0
        let old = Dictionary(
            (before?.links ?? []).map { ($0.link, $0) }, uniquingKeysWith: { first, _ in first })
        func rate(_ count: Int, _ oldCount: Int?) -> Double {
            guard seconds > 0, let oldCount else { return 0 }
            return max(0, Double(count - oldCount) / seconds)
        }
        let rows = now.links.filter { !$0.isQuiet }.map { link in
            (
                link: link, messages: rate(link.messages, old[link.link]?.messages),
                bytes: rate(link.bytes, old[link.link]?.bytes)
            )
        }.sorted { left, right in
            if left.link.isImpaired != right.link.isImpaired { return left.link.isImpaired }
            if left.bytes != right.bytes { return left.bytes > right.bytes }
            return left.link.link < right.link.link
        }
        var table = TextTable(
            ["LINK", "STATE", "CONN", "MSG/S", "BYTES/S", "BYTES", "FAULTS"],
            right: ["CONN", "MSG/S", "BYTES/S", "BYTES"])
        for row in rows.prefix(most) {
            table.add([
                StyledText(row.link.link.description),
                row.link.isCut ? StyledText("cut", .bad) : StyledText("open"),
                StyledText("\(row.link.connections)"),
                StyledText(SVG.number(row.messages.rounded())),
                StyledText(ByteCount(Int(row.bytes)).roundedText),
                StyledText(ByteCount(row.link.bytes).roundedText),
                StyledText(
                    row.link.faults.filter(\.wins).map { "\($0.text) (\($0.hits))" }
                        .joined(separator: ", "), .uncertain),
            ])
        }
        let rest = now.links.count - min(most, rows.count)
        return (table.isEmpty ? [] : table.lines(style))
            + (rest == 0 ? [] : [counted(rest, table.isEmpty ? "link" : "more link")])
    }
}

extension RunStatus.Node.State {
    /// What the state's colour says.
    var tone: StyledText.Tone {
        switch self {
        case .running: .good
        case .died, .killed: .bad
        case .starting, .paused, .stopping, .stopped: .uncertain
        }
    }
}

extension RunStatus.Link {
    fileprivate var isImpaired: Bool { self.isCut || !self.faults.isEmpty }
}
