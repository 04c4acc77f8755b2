import ChaosCore
import ChaosScenario

extension FuzzTarget {
    /// The short texts of commands and files: the first byte says which kind the rest is read as.
    static let words = FuzzTarget(
        "words", "units, names, links, partitions, faults, netem, endpoints, tables",
        seeds: seeds.flatMap { kind, texts in
            texts.map { String(UnicodeScalar(UInt8(ascii: "0") + kind)) + $0 }
        }
    ) { bytes in
        guard let kind = bytes.first, let text = text(bytes.dropFirst()) else { return }
        try readWord(kind &- UInt8(ascii: "0"), text)
    }

    private static let seeds: [(UInt8, [String])] = [
        (0, ["100ms", "1.5s", "2m", "1h", "10us", "9223372036s", "0s", "1e3s"]),
        (1, ["1mbit", "500kB/s", "1gbit", "8bit", "1.5MiB/s", "10mbps"]),
        (2, ["64B", "1kB", "2MiB", "16GiB", "18446744073709551615B"]),
        (3, ["10%", "1/20", "0.05", "100%", "99.9999999%"]),
        (4, ["100/s", "5/m", "1/h"]),
        (5, ["n1->n2", "n1<->n2:peer", "eu-*->us-*", "client->n1", "n1..n3->*"]),
        (
            6,
            ["n1 / n2 n3", "n1 -> n2", "halves", "isolate n2", "n1 n2 n3 / n3 n4 n5", "n1 / rest"]
        ),
        (
            7,
            [
                "delay=100ms,10ms,25%,normal", "loss=gemodel 1% 10% 70% 0.1%", "loss=nth:3,type:x",
                "rate=1mbit,burst:4kB,limit:1MiB,scope:connection", "slicer=64B,32B,10ms",
                "reorder=25%,gap:5,hold:10ms", "corrupt=1%,bits:3,body.key:7", "refuse",
                "delay=1ms loss=1% duplicate=2%", "ack_loss=nth:2,direction:response",
            ]
        ),
        (8, ["delay 75ms 100ms distribution normal loss 0.1%", "loss gemodel 1% 10% rate 1mbit"]),
        (9, ["127.0.0.1:80", "[::1]:7000", "unix:/tmp/x.sock", "localhost:1"]),
        (10, ["n1", "eu-west.1", "n1..n3", "n1,n2", "*"]),
        (11, ["1 2 3\n4 5 6", "# x\n-3 4", "0"]),
        (12, ["42", "0x10", "18446744073709551615"]),
    ]

    /// Reads a text, and what is written of its value again: they must be the same value.
    private static func readWord(_ kind: UInt8, _ text: String) throws {
        switch kind {
        case 0: try same(text, { try Duration(parsing: $0) }, { $0.text })
        case 1: try same(text, { try Bandwidth(parsing: $0) }, { $0.text })
        case 2: try same(text, { try ByteCount(parsing: $0) }, { $0.text })
        case 3: try same(text, { try Ratio(parsing: $0) }, { $0.text })
        case 4: try same(text, { try EventRate(parsing: $0) }, { $0.text })
        case 5:
            try same(text, { try LinkPattern(parsing: $0) }, { $0.description })
            if let pattern = try? LinkPattern(parsing: text) {
                _ = pattern.matches(Link("n1", "n2", "main"))
            }
        case 6:
            try same(text, { try Partition(parsing: $0) }, { $0.description })
            if let partition = try? Partition(parsing: text) {
                var generator = Seed(1).generator
                _ = partition.cuts(among: ["n1", "n2", "n3", "n4", "n5"], using: &generator)
            }
        case 7:
            let words = text.split(separator: "\n").map(String.init)
            let faults = try parsed { try FaultText.parse(words) }
            for fault in faults ?? [] where isReadBack(fault) {
                try same(fault.text, { try FaultText.parse([$0]) }, { $0[0].text })
            }
        case 8: _ = try parsed { try NetemText.parse(text) }
        case 9: try same(text, { try Endpoint(parsing: $0) }, { $0.description })
        case 10:
            _ = try parsed { try NodeName(parsing: text) }
            _ = try parsed { try PortName(parsing: text) }
            _ = try parsed { try NodeRange.expand(text) }
            try same(text, { try NodePattern(parsing: $0) }, { $0.text })
            _ = Glob.matches(text, "eu-west.1")
        case 11: _ = try parsed { try DistributionTable(parsing: text) }
        case 12: _ = try parsed { try SeedText.parse(text) }
        default: break
        }
    }

    /// A table's numbers, and matches whose texts hold spaces or commas, are not.
    private static func isReadBack(_ fault: Fault) -> Bool {
        if case .delay(let delay) = fault, delay.distribution == .table { return false }
        let match = fault.match
        let texts =
            [match?.type].compactMap { $0 }
            + (match?.fields.flatMap { [$0.path, "\($0.value)"] } ?? [])
        return texts.allSatisfy { text in
            !text.contains { " ,\t\n±:=+".contains($0) || $0.isWhitespace } && !text.isEmpty
        }
    }

    /// The value, or `nil` for a mistake with a sentence.
    private static func parsed<Value>(_ parse: () throws -> Value) throws -> Value? {
        do { return try parse() } catch let error as InputError {
            try require(!error.rule.isEmpty, "an error has no rule")
            return nil
        }
    }

    private static func same<Value: Equatable>(
        _ text: String, _ parse: (String) throws -> Value, _ write: (Value) -> String
    ) throws {
        guard let value = try parsed({ try parse(text) }) else { return }
        let written = write(value)
        guard let again = try parsed({ try parse(written) }) else {
            throw FuzzFailure("'\(text)' is written as '\(written)', which cannot be read")
        }
        try requireSame(again, value, "'\(text)', written as '\(written)' and read again")
    }
}
