/// The form of a node's log: one record a line, each behind its checksum.
///
///     5b6e0c1f9a3d7e42 {"term":3,"vote":"n2"}
///
/// A write that a crash cut short leaves a line that is not whole or does not fit its checksum: the
/// torn tail. The log ends before the first such line, since nothing from there on was ever reported
/// as durable.
public enum LogCodec {
    /// A record as it stands in the log, line feed included.
    public static func line(of record: JSONValue) -> String {
        let text = record.text
        return "\(self.checksum(text)) \(text)\n"
    }

    /// Reads the bytes of a log: its records, and how many of the bytes belong to them.
    public static func records(
        in bytes: some Collection<UInt8>
    ) -> (records: [JSONValue], byteCount: Int) {
        var records: [JSONValue] = []
        var byteCount = 0
        var rest = bytes[...]
        while let lineFeed = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<lineFeed]
            guard let record = self.record(parsing: line) else { break }
            records.append(record)
            byteCount += line.count + 1
            rest = rest[rest.index(after: lineFeed)...]
        }
        return (records, byteCount)
    }

    private static func record(parsing line: some Collection<UInt8>) -> JSONValue? {
        let text = String(decoding: line, as: UTF8.self)
        guard let space = text.firstIndex(of: " ") else { return nil }
        let json = String(text[text.index(after: space)...])
        guard text[..<space] == self.checksum(json) else { return nil }
        return try? JSONValue(parsing: json)
    }

    /// 64 bits that change with every byte, as 16 hexadecimal digits.
    private static func checksum(_ text: String) -> String {
        let digits = String(Seed(0).derived("log", text).value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
