import ChaosCheckers
import ChaosCore

/// `report.html`: one file that needs nothing else, neither network nor scripts.
package enum HTMLReport {
    /// The file's content. Everything that came from a run or a person is escaped, and a content
    /// security policy forbids the page to load anything.
    package static func render(_ input: ReportInput) -> String { Self.render(input, input.diagram) }

    /// The file's content, with a drawing that is there already.
    static func render(_ input: ReportInput, _ diagram: SpaceTime) -> String {
        let result = input.result
        let title = Markup.escaped("\(result.scenario), seed \(result.seed.value)")
        let sections = [
            Self.head(result), Self.findings(result.findings), Self.timeline(input),
            Self.operations(input.history), Self.faults(result.faults), Self.cuts(result),
            Self.messages(diagram), Self.links(input),
            Self.deaths(result.deaths), LogSection.order(result, input.logs),
            LogSection.render(input.logs),
        ]
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'unsafe-inline'">
            <title>\(title)</title>
            <style>
            \(StyleSheet.colours)
            \(Self.styleSheet)
            \(LogSection.styleSheet)
            \(StyleSheet.drawing)
            </style>
            </head>
            <body>
            \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
            </body>
            </html>

            """
    }

    private static func head(_ result: RunResult) -> String {
        let facts = [
            ("seed", "\(result.seed.value)"), ("lasted", result.elapsed.roundedText),
            ("backend", result.backend), ("expected", result.expectation ?? ""),
            ("exit code", "\(result.exitCode): \(result.exitReason)"),
            ("run directory", result.directory), ("repeat", result.repeatCommand),
        ]
        let rows = facts.filter { !$0.1.isEmpty }.map { name, value in
            "<dt>\(name)</dt><dd><code>\(Markup.escaped(value))</code></dd>"
        }
        return """
            <header class="\(result.verdict?.rawValue ?? "none")">
            <p class="verdict">\(result.verdictWord)</p>
            <h1>\(Markup.escaped(result.scenario))</h1>
            </header>
            \(Self.list(result.reasons, class: "reasons"))
            \(Self.list(result.warnings.map { "warning: \($0)" }, class: "warnings"))
            <dl>\(rows.joined())</dl>
            """
    }

    private static func findings(_ findings: [Finding]) -> String {
        if findings.isEmpty { return "" }
        let parts = findings.map { finding in
            let evidence = finding.evidence.map(Markup.escaped).joined(separator: "\n")
            let numbers = finding.statistics.members.filter { !Self.drawn.contains($0.key) }
            let statistics = numbers.map { name, value in
                "<tr><th>\(Markup.escaped(name))</th><td>\(Markup.escaped(value.text))</td></tr>"
            }
            return """
                <section class="finding \(finding.verdict.rawValue)">
                <h3>\(Markup.escaped(finding.checker)) <em>\(finding.verdict.rawValue)</em></h3>
                <p>\(Markup.escaped(finding.summary))</p>
                \(evidence.isEmpty ? "" : "<pre>\(evidence)</pre>")
                \(Self.drawings(finding.statistics))
                \(statistics.isEmpty ? "" : "<details><summary>numbers</summary><table>"
                    + statistics.joined() + "</table></details>")
                </section>
                """
        }
        return "<h2>Findings</h2>\n" + parts.joined(separator: "\n")
    }

    /// The statistics that are drawings rather than numbers.
    private static let drawn = ["failures", "graphs"]
    /// How many windows and cycles of one finding are drawn.
    private static let mostDrawings = 4

    /// The windows without an order, and the cycles, that a checker found.
    private static func drawings(_ statistics: JSONObject) -> String {
        let windows = (statistics["failures"]?.arrayValue ?? []).prefix(Self.mostDrawings)
            .compactMap { WindowDrawing($0)?.svg }
        let cycles = (statistics["graphs"]?.arrayValue ?? []).prefix(Self.mostDrawings)
            .compactMap { graph in
                graph["dot"]?.stringValue.flatMap { CycleDrawing(dot: $0)?.svg }.map {
                    "<p>\(Markup.escaped(graph["anomaly"]?.stringValue ?? ""))</p>\n" + $0
                }
            }
        return (windows + cycles).joined(separator: "\n")
    }

    private static func operations(_ history: History) -> String {
        func text(_ time: Duration?) -> String { time?.roundedText ?? "" }
        return Self.table(
            "Operations by name",
            ["Operation", "Count", "Ok", "Failed", "Unknown", "p50", "p95", "p99", "Longest"],
            numbers: 1,
            OperationStatistics(history).byFunction.map { function, tally in
                [
                    function, "\(tally.count)", "\(tally.ok)", "\(tally.fail)", "\(tally.info)",
                    text(tally.latency("p50")), text(tally.latency("p95")),
                    text(tally.latency("p99")), text(tally.latency("max")),
                ]
            })
    }

    private static func messages(_ diagram: SpaceTime) -> String {
        if diagram.isEmpty { return "" }
        // Boxes that stand before the drawing hide what is not checked, without a script.
        let boxes = diagram.filters.map { filter in
            "<input type=\"checkbox\" checked=\"checked\" id=\"show-\(filter.name)\"/>"
                + "<label for=\"show-\(filter.name)\">\(Markup.escaped(filter.label))</label>"
        }
        let rules = diagram.filters.map { filter in
            "#show-\(filter.name):not(:checked) ~ .scroll .\(filter.name) { display: none }"
        }
        return """
            <h2>Messages</h2>
            <div class="messages">
            <style>\(rules.joined(separator: "\n"))</style>
            \(boxes.joined(separator: "\n"))
            <div class="scroll">\(diagram.svg)</div>
            </div>
            <p class="note">Time goes downwards, faster where nothing happens. An arrow is a message; one that ends in a \
            red cross was taken away by a fault, a dashed one did not arrive before the end, a yellow one arrived twice. \
            Point at one to read it. \(Markup.escaped(diagram.note))</p>
            """
    }

    private static func timeline(_ input: ReportInput) -> String {
        let timeline = Timeline(
            history: input.history, faults: input.result.faults, logs: input.logs,
            elapsed: input.result.elapsed)
        return "<h2>Operations and faults</h2>\n\(timeline.svg)\n"
            + "<p class=\"note\">\(Markup.escaped(timeline.note))</p>"
    }

    private static func faults(_ faults: [RunResult.Fault]) -> String {
        Self.table(
            "Faults", ["ID", "Fault", "By", "From", "To", "Touched", "Hits"], numbers: 3,
            faults.map { fault in
                [
                    fault.id, fault.text, fault.origin, fault.begin.sinceStart.roundedText,
                    fault.end?.sinceStart.roundedText ?? "end", "\(fault.touched)", "\(fault.hits)",
                ]
            })
    }

    private static func cuts(_ result: RunResult) -> String {
        let lines = ResultText.cutLines(result)
        return lines.isEmpty ? "" : "<h2>Leak proof</h2>\n" + Self.list(lines, class: "cuts")
    }

    private static func links(_ input: ReportInput) -> String {
        let operations = input.history.invocations.count
        func perOperation(_ messages: Int) -> String {
            operations == 0 || messages == 0
                ? "" : SVG.number(Double(messages) / Double(operations))
        }
        let links = input.result.links
        var rows = links.map { link in
            [
                link.link.description, "\(link.connections)", "\(link.messages)",
                perOperation(link.messages), ByteCount(link.bytes).roundedText,
            ]
        }
        // What clients and nodes say to each other is the load, not the cluster's own traffic.
        let inner = links.filter { $0.link.source != .client && $0.link.target != .client }
        if inner.count > 1 {
            let messages = inner.reduce(0) { $0 + $1.messages }
            rows.append([
                "between nodes", "\(inner.reduce(0) { $0 + $1.connections })", "\(messages)",
                perOperation(messages),
                ByteCount(inner.reduce(0) { $0 + $1.bytes }).roundedText,
            ])
        }
        return Self.table(
            "Links", ["Link", "Connections", "Messages", "per operation", "Bytes"], numbers: 1, rows
        )
    }

    private static func deaths(_ deaths: [RunResult.Death]) -> String {
        if deaths.isEmpty { return "" }
        let parts = deaths.map { death in
            let what = "\(death.node) died at \(death.at.sinceStart.roundedText): \(death.status)"
            let lines = death.lastLines.map(Markup.escaped).joined(separator: "\n")
            return "<p>\(Markup.escaped(what))</p>\n<pre>\(lines)</pre>"
        }
        return "<h2>Nodes that died</h2>\n" + parts.joined(separator: "\n")
    }

    private static func list(_ items: [String], class name: String) -> String {
        if items.isEmpty { return "" }
        let parts = items.map { "<li>\(Markup.escaped($0))</li>" }.joined()
        return "<ul class=\"\(name)\">\(parts)</ul>"
    }

    /// A table whose columns from `numbers` on are aligned right; without rows there is none.
    private static func table(
        _ title: String, _ headings: [String], numbers: Int, _ rows: [[String]]
    ) -> String {
        if rows.isEmpty { return "" }
        func cells(_ row: [String], _ element: String) -> String {
            let cells = row.enumerated().map { column, text in
                let side = column >= numbers ? " class=\"number\"" : ""
                return "<\(element)\(side)>\(Markup.escaped(text))</\(element)>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        let body = rows.map { cells($0, "td") }.joined(separator: "\n")
        return "<h2>\(title)</h2>\n<table>\n\(cells(headings, "th"))\n\(body)\n</table>"
    }
}

// MARK: - Style

extension HTMLReport {
    private static let styleSheet = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 1040px; margin: 2em auto;
          padding: 0 1em; }
        header { border-left: 6px solid var(--faint); padding-left: 1em; }
        header.valid { border-color: var(--good); } header.valid .verdict { color: var(--good); }
        header.invalid { border-color: var(--bad); } header.invalid .verdict { color: var(--bad); }
        header.unknown { border-color: var(--unsure); }
        header.unknown .verdict { color: var(--unsure); }
        .verdict { font-weight: 700; text-transform: uppercase; letter-spacing: .08em; margin: 0; }
        h1 { margin: 0; font-size: 1.6em; } h2 { margin-top: 2em; font-size: 1.15em; }
        h3 { margin: 1em 0 0; font-size: 1em; } h3 em { font-weight: 400; }
        .finding.valid em { color: var(--good); } .finding.invalid em { color: var(--bad); }
        .finding.unknown em { color: var(--unsure); }
        .finding p { margin: .2em 0; } .warnings { color: var(--unsure); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1.2em; }
        dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
        pre { background: #8881; padding: .6em .8em; overflow-x: auto; font-size: 13px; }
        table { border-collapse: collapse; font-size: 14px; }
        th, td { text-align: left; padding: .2em .8em .2em 0; border-bottom: 1px solid var(--line); }
        th { color: var(--faint); font-weight: 500; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        .note { color: var(--faint); font-size: 13px; }
        svg { width: 100%; height: auto; }
        .scroll { overflow: auto; max-height: 80vh; border: 1px solid var(--line); }
        .messages svg { width: auto; min-width: 40%; max-width: 100%; }
        .messages label { margin: 0 1em 0 .2em; font-size: 13px; }
        """
}
