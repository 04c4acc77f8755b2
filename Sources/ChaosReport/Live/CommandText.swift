import ChaosControl
import ChaosCore

/// What the commands that steer a live run print.
package enum CommandText {
    /// One line for `partition`, `isolate`, `hold` and `set`: what, where, until when, and how to
    /// undo it. `suffix` is what the undo command needs behind it, such as ` --run demo`.
    package static func line(_ receipt: InjectionReceipt, suffix: String = "") -> String {
        let injection = receipt.injection
        return "\(Self.effect(of: injection)) \(Self.ending(of: injection))"
            + "; undo with 'chaos \(Self.undo(injection)) \(injection.id)\(suffix)'"
    }

    /// A line for each injection that `heal`, `release` or `clear` ended.
    package static func lines(_ receipt: EndingReceipt) -> [String] {
        if receipt.ended.isEmpty { return ["nothing was active"] }
        return receipt.ended.map { Self.endingLine($0) }
    }

    /// A line for each node that a command meant.
    package static func lines(_ receipt: ProcessReceipt) -> [String] {
        receipt.nodes.map(Self.state(of:))
    }

    /// `n1 is running, pid 17`, or `n1 died`.
    static func state(of node: RunStatus.Node) -> String {
        "\(node.name) " + (node.state == .died ? "" : "is ") + node.state.rawValue
            + (node.pid.map { ", pid \($0)" } ?? "")
    }

    /// `p1 cuts n1 / n2 n3 (drop)`.
    static func effect(of injection: InjectionSummary) -> String {
        var conditions = injection.mode.map { [$0.rawValue] } ?? []
        if !injection.ports.isEmpty {
            let word = injection.ports.count == 1 ? "port" : "ports"
            conditions.append("\(word) \(injection.ports.map(\.text).joined(separator: " "))")
        }
        let details = conditions.isEmpty ? "" : " (\(conditions.joined(separator: ", ")))"
        return switch injection.kind {
        case .partition: "\(injection.id) cuts \(injection.text)\(details)"
        case .hold: "\(injection.id) holds \(injection.text)"
        case .faults: "\(injection.id) sets \(injection.text)"
        case .process: "\(injection.id): \(injection.text)"
        }
    }

    /// `until 22s of the run, for 10s`, or `until healed`.
    private static func ending(of injection: InjectionSummary) -> String {
        if let until = injection.until {
            return "until \(until.sinceStart.roundedText) of the run,"
                + " for \((until - injection.since).roundedText)"
        }
        return switch injection.kind {
        case .partition: "until healed"
        case .hold: "until released"
        case .faults: "until cleared"
        case .process: "until the end"
        }
    }

    static func endingLine(_ injection: InjectionSummary) -> String {
        switch injection.kind {
        case .partition: "\(injection.id) is healed: \(injection.text)"
        case .hold: "\(injection.id) is released: \(injection.text)"
        case .faults: "\(injection.id) is cleared: \(injection.text)"
        case .process: "\(injection.id) is over: \(injection.text)"
        }
    }

    private static func undo(_ injection: InjectionSummary) -> String {
        switch injection.kind {
        case .partition: "heal"
        case .hold: "release"
        case .faults: "clear"
        case .process: "resume"
        }
    }
}

/// What `chaos watch` prints.
package enum EventText {
    /// One line: when in the run, and what happened. Events of kinds that this version does not know
    /// are printed as they came.
    package static func line(_ event: JSONValue, _ style: TerminalStyle) -> String {
        guard let known = RunEvent(json: event) else { return event.text }
        let (at, text): (Instant?, StyledText) =
            switch known {
            case .injected(let injection):
                (injection.since, StyledText(CommandText.effect(of: injection), .bad))
            case .ended(let injection, let reason, let at):
                (
                    at,
                    StyledText(
                        CommandText.endingLine(injection) + Self.why(reason), .good)
                )
            case .node(let node, let reason, let at):
                (
                    at,
                    StyledText(
                        CommandText.state(of: node) + (reason.map { ": \($0)" } ?? ""),
                        node.state == .died ? .bad : .plain)
                )
            case .warning(let text, let at): (at, StyledText("warning: \(text)", .uncertain))
            case .progress(let workload, let at):
                (at, StyledText(StatusText.words(of: workload), .faint))
            case .end(let verdict, let at):
                (at, StyledText("the run is over" + (verdict.map { ": \($0)" } ?? ""), .strong))
            case .missed(let count):
                (nil, StyledText("\(counted(Int(count), "event")) missed", .uncertain))
            }
        let time = at.map { Self.clock($0) } ?? ""
        return String(repeating: " ", count: max(0, 10 - time.count))
            + "\(time)  \(style.text(text))"
    }

    private static func why(_ reason: RunEvent.Reason) -> String {
        switch reason {
        case .command: ""
        case .lease: " (its time was up)"
        case .end: " (the run ended)"
        }
    }

    /// Seconds with three decimals, so that lines align: `12.034s`.
    static func clock(_ instant: Instant) -> String {
        let milliseconds = instant.nanoseconds / 1_000_000
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count)
            + "\(rest)s"
    }
}
