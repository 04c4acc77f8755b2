// A refused attempt leaves no trace at the proxy: the kernel answers for a port on which nothing
// listens. What it does leave is a count for the whole network namespace.

/// How many attempts to connect have failed on this machine so far.
///
/// The evidence is one-sided. If the count has not grown while a listener refused, certainly nobody
/// was refused. If it has, somebody somewhere was, and most likely here, since every other program of
/// the same network namespace counts as well (RFC 4022, `tcpAttemptFails`).
package struct FailedAttempts: Hashable, Sendable {
    private let count: Int

    /// The count as it is now; `nil` where the system does not tell.
    package static func now() -> FailedAttempts? {
        #if os(Linux)
            return Self.count(in: ProcFile.read("/proc/net/snmp")).map(FailedAttempts.init(count:))
        #else
            return nil
        #endif
    }

    /// How many attempts have failed since an earlier count: 0 means that nobody was refused.
    package func growth(since earlier: FailedAttempts) -> Int { self.count - earlier.count }

    /// Finds the count in the table: a line of names and a line of numbers, both begin with `Tcp:`.
    static func count(in table: [UInt8]) -> Int? {
        let lines = table.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0, as: UTF8.self).split(separator: " ") }
            .filter { $0.first == "Tcp:" }
        guard lines.count == 2, let column = lines[0].firstIndex(of: "AttemptFails"),
            column < lines[1].count
        else { return nil }
        return Int(lines[1][column])
    }
}
