import ChaosCore

/// How lines stand in `nodes/NAME.log`: seconds since the run started, the stream, the text.
///
/// ```text
///     0.012345 --- starting
///     0.103201 out listening on 127.77.1.1:7001
///     0.201154 err warning: no peers
/// ```
package enum NodeLog {
    /// A line that the node wrote.
    package static func line(_ line: NodeLine) -> String {
        "\(self.time(line.at)) \(line.stream.rawValue) \(line.text)"
    }

    /// A line that the supervisor adds.
    package static func note(_ text: String, at instant: Instant) -> String {
        "\(self.time(instant)) --- \(text)"
    }

    private static func time(_ instant: Instant) -> String {
        let micros = max(0, instant.nanoseconds / 1000)
        let fraction = String(micros % 1_000_000)
        let zeros = String(repeating: "0", count: 6 - fraction.count)
        let text = "\(micros / 1_000_000).\(zeros)\(fraction)"
        return String(repeating: " ", count: max(0, 12 - text.count)) + text
    }
}
