import ChaosCore

/// What clients did and what crossed the network, as tables on a terminal.
enum StatisticsText {
    static func lines(_ statistics: JSONObject, _ style: TerminalStyle) -> [String] {
        self.operations(statistics["operations"], style) + self.net(statistics["net"])
    }

    private static let quantiles = ["p50", "p95", "p99", "max"]

    private static func operations(_ value: JSONValue?, _ style: TerminalStyle) -> [String] {
        guard let functions = value?["by_function"]?.objectValue?.members, !functions.isEmpty else {
            return []
        }
        let headings =
            ["OPERATION", "COUNT", "OK", "FAIL", "INFO"]
            + Self.quantiles.map { $0.uppercased() }
        var table = TextTable(headings, right: Array(headings.dropFirst()))
        var rows = functions.map { (name: $0.key, tally: $0.value) }
        if rows.count > 1, let value { rows.append(("all", value)) }
        for row in rows {
            func number(_ key: String, _ tone: StyledText.Tone = .plain) -> StyledText {
                let count = row.tally[key]?.intValue ?? 0
                return StyledText("\(count)", count > 0 ? tone : .plain)
            }
            let latencies = Self.quantiles.map { quantile in
                StyledText(row.tally["latency"]?[quantile]?.doubleValue.map(Self.latency) ?? "-")
            }
            table.add(
                [
                    StyledText(row.name), number("count"), number("ok"),
                    number("fail", .uncertain), number("info", .uncertain),
                ] + latencies)
        }
        return table.lines(style)
    }

    /// `3`, `0.42` or `1204` milliseconds, with their unit.
    private static func latency(_ milliseconds: Double) -> String {
        milliseconds < 10
            ? Decimals.text(Int64((milliseconds * 100).rounded()), per: 100) + "ms"
            : "\(Int64(milliseconds.rounded()))ms"
    }

    private static func net(_ value: JSONValue?) -> [String] {
        guard let value else { return [] }
        func count(_ kind: String, _ key: String) -> Int64 { value[kind]?[key]?.intValue ?? 0 }
        var servers = "net  \(count("servers", "msg_count")) messages between servers"
        let missing = count("servers", "send_count") - count("servers", "recv_count")
        if let perOperation = value["servers"]?["msgs_per_op"]?.doubleValue {
            let text = Decimals.text(Int64((perOperation * 1000).rounded()), per: 1000)
            servers += ", \(text) per operation"
        }
        if missing > 0 { servers += ", \(missing) did not arrive" }
        if missing < 0 { servers += ", \(-missing) more arrived" }
        return [servers + "; \(count("clients", "msg_count")) with clients"]
    }
}
