import ChaosCore
import NodeKit

extension FuzzTarget {
    /// What clients and servers of Redis's protocol read: the first byte says how the rest is cut.
    static let resp = FuzzTarget(
        "resp", "values and requests of the Redis protocol",
        seeds: [
            "0+OK\r\n-ERR no\r\n:12\r\n$3\r\nabc\r\n$-1\r\n*-1\r\n*2\r\n$1\r\na\r\n*1\r\n:-1\r\n",
            "1*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nab\r\nPING \"a\\x41\" 'b'\r\n\r\n*0\r\nQUIT\n",
            "2$1048576\r\n", "3*1048577\r\n", "4*1\r\n*1\r\n*1\r\n+a\rb\r\n", "5GET \"x\r\n",
        ]
    ) { bytes in
        guard let cut = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        try readValues(rest, cut)
        try readRequests(rest, cut)
    }

    private static func readValues(_ bytes: [UInt8], _ cut: UInt8) throws {
        func read(cutEvery size: Int) -> (values: [RESPValue], error: RESPError?) {
            var parser = RESPParser()
            var values: [RESPValue] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                parser.append(bytes[start..<min(bytes.count, start + size)])
                do throws(RESPError) {
                    while let value = try parser.next() { values.append(value) }
                } catch {
                    return (values, error)
                }
            }
            return (values, nil)
        }
        let whole = read(cutEvery: max(1, bytes.count))
        for size in [1, 1 + Int(cut) % 7] {
            let again = read(cutEvery: size)
            try requireSame(again.values, whole.values, "values, cut every \(size) bytes")
            try requireSame(again.error == nil, whole.error == nil, "sync, cut every \(size)")
        }
        for value in whole.values {
            var parser = RESPParser()
            parser.append(value.bytes)
            try requireSame(try parser.next(), value, "a value, written and read again")
            try require(parser.isAtBoundary, "\(value) was written with something behind it")
        }
    }

    private static func readRequests(_ bytes: [UInt8], _ cut: UInt8) throws {
        func read(cutEvery size: Int) -> [[[UInt8]]] {
            var parser = RESPRequestParser()
            var commands: [[[UInt8]]] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                parser.append(bytes[start..<min(bytes.count, start + size)])
                while let words = try? parser.next() { commands.append(words) }
            }
            return commands
        }
        let whole = read(cutEvery: max(1, bytes.count))
        for size in [1, 1 + Int(cut) % 7] {
            try requireSame(read(cutEvery: size), whole, "requests, cut every \(size) bytes")
        }
        for words in whole {
            try require(!words.isEmpty, "a command without words")
            var parser = RESPRequestParser()
            parser.append(RESPValue.command(words).bytes)
            try requireSame(try parser.next(), words, "a command, written and read again")
        }
    }
}
