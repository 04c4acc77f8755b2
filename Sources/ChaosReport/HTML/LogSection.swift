import ChaosCore

/// The parts of the page that tell what nodes wrote.
enum LogSection {
    /// Where a stroke of the timeline leads: to the line itself, or to the last one before it that is shown.
    static func anchor(_ node: String, _ line: LogLine, among shown: [LogLine]) -> String {
        let target = shown.last { $0.number <= line.number } ?? shown.first
        return Self.anchor(node, target?.number ?? line.number)
    }

    private static func anchor(_ node: String, _ number: Int) -> String { "log-\(node)-\(number)" }

    // MARK: - Each node by itself

    /// What each node wrote.
    static func render(_ logs: [LogExcerpt]) -> String {
        let logs = logs.filter { $0.total > 0 }
        if logs.isEmpty { return "" }
        return "<h2>Output of the nodes</h2>\n" + logs.map(Self.one).joined(separator: "\n")
    }

    private static func one(_ log: LogExcerpt) -> String {
        let lines = log.lines
        var summary = "\(log.node), \(counted(log.total, "line"))"
        if log.troubleCount > 0 { summary += ", \(log.troubleCount) read like trouble" }
        if lines.count < log.total {
            summary +=
                "; \(lines.count) are here: the first, the last, states, and trouble in between"
        }
        var text = ""
        var before = 0
        for line in lines {
            if line.number > before + 1 {
                let left = line.number - before - 1
                text += "<i>… \(counted(left, "line")) left out …</i>\n"
            }
            before = line.number
            text += Self.line(line, id: Self.anchor(log.node, line.number))
        }
        return "<details><summary>\(Markup.escaped(summary))</summary>"
            + "<pre class=\"log\">\(text)</pre></details>"
    }

    private static func line(_ line: LogLine, id: String) -> String {
        let style =
            line.isTrouble ? " class=\"trouble\"" : line.source == .state ? " class=\"state\"" : ""
        let time = Self.time(line.seconds)
        let text = "\(time) \(line.source.rawValue) \(line.text)"
        return "<span id=\"\(Markup.escaped(id))\"\(style)>\(Markup.escaped(text))</span>\n"
    }

    /// Seconds with milliseconds, so that all lines begin alike.
    private static func time(_ seconds: Double) -> String {
        let milliseconds = String(Int64((seconds * 1000).rounded()))
        let digits = String(repeating: "0", count: max(0, 4 - milliseconds.count)) + milliseconds
        let text = "\(digits.dropLast(3)).\(digits.suffix(3))"
        return String(repeating: " ", count: max(0, 9 - text.count)) + text
    }

    // MARK: - Everything in order

    /// More rows than this nobody reads.
    private static let mostEvents = 400

    private struct Event {
        let seconds: Double
        let who: String
        let what: String
        var style = ""
    }

    /// Faults, states of nodes and what reads like trouble, in order of time.
    static func order(_ result: RunResult, _ logs: [LogExcerpt]) -> String {
        var events: [Event] = []
        for fault in result.faults {
            let begin = fault.begin.sinceStart.inSeconds
            events.append(Event(seconds: begin, who: fault.id, what: fault.text, style: "fault"))
            if let end = fault.end, end > fault.begin {
                events.append(
                    Event(
                        seconds: end.sinceStart.inSeconds, who: fault.id, what: "is over",
                        style: "fault"))
            }
        }
        for log in logs {
            for line in log.lines where line.isTrouble || line.source == .state {
                let what = line.isTrouble ? "\(line.source.rawValue) \(line.text)" : line.text
                events.append(
                    Event(
                        seconds: line.seconds, who: log.node, what: what,
                        style: line.isTrouble ? "trouble" : "state"))
            }
        }
        if events.isEmpty { return "" }
        // Those of the same moment stay in the order of the scenario.
        let order = events.enumerated().sorted {
            ($0.element.seconds, $0.offset) < ($1.element.seconds, $1.offset)
        }
        let half = Self.mostEvents / 2
        let left = max(0, order.count - Self.mostEvents)
        let head = order.prefix(left == 0 ? order.count : half).map { Self.row($0.element) }
        let tail = left == 0 ? [] : order.suffix(half).map { Self.row($0.element) }
        let gap = left == 0 ? [] : ["<i>… \(left) left out …</i>\n"]
        return "<h2>What happened, in order</h2>\n<details><summary>"
            + "\(counted(order.count, "event")): faults, states of nodes, and lines that read like trouble"
            + "</summary><pre class=\"log\">\((head + gap + tail).joined())</pre></details>"
    }

    private static func row(_ event: Event) -> String {
        let who = event.who + String(repeating: " ", count: max(0, 10 - event.who.count))
        let text = "\(Self.time(event.seconds)) \(who) \(event.what)"
        return "<span class=\"\(event.style)\">\(Markup.escaped(text))</span>\n"
    }

    /// How the lines look.
    static let styleSheet = """
        pre.log { max-height: 60vh; overflow: auto; } pre.log .trouble { color: var(--bad); }
        pre.log .state { color: var(--calm); } pre.log .fault { color: var(--unsure); }
        pre.log i { color: var(--faint); } pre.log span:target { background: #ff02; }
        """
}
