import ChaosControl
import ChaosCore

/// What `chaos status` prints: tables of nodes, links with their faults, and partitions.
package enum StatusText {
    /// The lines; links without traffic, cuts and faults are only counted.
    package static func lines(_ status: RunStatus, _ style: TerminalStyle) -> [String] {
        let run = status.run
        let name = style.text(StyledText(run.name, .strong))
        var lines = [
            "\(name)  seed \(run.seed.value)  \(run.elapsed.sinceStart.roundedText)  \(run.directory)"
        ]
        func add(_ table: [String]) { if !table.isEmpty { lines += [""] + table } }
        add(Self.nodes(status.nodes, style))
        add(Self.links(status.links, quiet: status.quietLinks ?? 0, style))
        add(Self.partitions(status.partitions, style))
        if !status.workload.members.isEmpty {
            lines += ["", "workload  \(Self.words(of: status.workload))"]
        }
        return lines
    }

    /// The members of an object as words, without objects in it: `kind broadcast, ok 1200`.
    static func words(of object: JSONObject) -> String {
        object.members.filter { $0.value.objectValue == nil }.map {
            "\($0.key) \($0.value.stringValue ?? $0.value.text)"
        }
        .joined(separator: ", ")
    }

    private static func nodes(_ nodes: [RunStatus.Node], _ style: TerminalStyle) -> [String] {
        if nodes.isEmpty { return [] }
        var table = TextTable(
            ["NODE", "STATE", "PID", "RESTARTS", "PORTS"], right: ["PID", "RESTARTS"])
        for node in nodes {
            let ports = node.ports.map { port in
                "\(port.name) \(port.listen)" + (port.proxied.map { " (clients: \($0))" } ?? "")
                    + (port.outside.map { " (outside: \($0))" } ?? "")
            }
            table.add([
                StyledText(node.name.text), StyledText(node.state.rawValue, node.state.tone),
                StyledText(node.pid.map { "\($0)" } ?? "-"), StyledText("\(node.restarts)"),
                StyledText(ports.joined(separator: ", ")),
            ])
        }
        return table.lines(style)
    }

    private static func links(
        _ links: [RunStatus.Link], quiet unlisted: Int, _ style: TerminalStyle
    ) -> [String] {
        let loud = links.filter { !$0.isQuiet }
        var table = TextTable(
            ["LINK", "STATE", "CONNECTIONS", "MESSAGES", "BYTES", "FAULT", "TOUCHED", "HITS"],
            right: ["CONNECTIONS", "MESSAGES", "BYTES", "TOUCHED", "HITS"])
        for link in loud {
            let start = [
                StyledText(link.link.description),
                link.isCut
                    ? StyledText((["cut"] + link.cuts.map(\.text)).joined(separator: " "), .bad)
                    : StyledText("open"),
                StyledText("\(link.connections)"), StyledText("\(link.messages)"),
                StyledText(ByteCount(link.bytes).roundedText),
            ]
            if link.faults.isEmpty { table.add(start) }
            for (index, fault) in link.faults.enumerated() {
                let text = "\(fault.id) \(fault.text)" + (fault.wins ? "" : " (overruled)")
                table.add(
                    (index == 0 ? start : start.map { _ in StyledText("") }) + [
                        StyledText(text, fault.wins ? .plain : .faint),
                        StyledText("\(fault.touched)"), StyledText("\(fault.hits)"),
                    ])
            }
        }
        let quiet = links.count - loud.count + unlisted
        let rest =
            quiet == 0
            ? []
            : [
                "\(counted(quiet, loud.isEmpty ? "link" : "more link")) without traffic or faults"
            ]
        return (table.isEmpty ? [] : table.lines(style)) + rest
    }

    private static func partitions(
        _ partitions: [RunStatus.Partition], _ style: TerminalStyle
    ) -> [String] {
        if partitions.isEmpty { return [] }
        var table = TextTable(
            ["ID", "CUT", "MODE", "SINCE", "UNTIL", "CROSSED"],
            right: ["SINCE", "UNTIL", "CROSSED"])
        for partition in partitions {
            let crossed = "\(partition.crossedBytes) B"
            table.add([
                StyledText(partition.id.text), StyledText(partition.text),
                StyledText(partition.mode.rawValue),
                StyledText(partition.since.sinceStart.roundedText),
                StyledText(partition.until?.sinceStart.roundedText ?? "undone"),
                StyledText(crossed, partition.crossedBytes == 0 ? .good : .bad),
            ])
        }
        return table.lines(style)
    }
}
