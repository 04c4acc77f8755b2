import ChaosCore
import NodeKit

extension FuzzTarget {
    /// What nodes read: the first byte says how the rest is cut.
    static let node = FuzzTarget(
        "node", "messages, lines and peers that nodes read",
        seeds: [
            #"0{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1,"echo":"hello"}}"# + "\n",
            "3one\r\n\ntwo\nthree", "1n2=127.77.1.2:7000,n3=127.77.1.3:7000",
            "0127.0.0.1:1 [::1]:2",
        ]
    ) { bytes in
        guard let cut = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        if let message = try? Message(parsing: rest) {
            let again = try Message(parsing: message.line.utf8)
            try requireSame(again, message, "a message, written and read again")
            _ = (message.type, message.id, message.inReplyTo)
        }
        if let text = text(rest) { _ = try? PeerList(parsing: text, id: "n1") }
        try readLines(rest, cut)
    }

    private static func readLines(_ bytes: [UInt8], _ cut: UInt8) throws {
        let limit = 1 + Int(cut) % 50
        func events(cutEvery size: Int) -> [LineReader.Event] {
            var reader = LineReader(limit: limit)
            var events: [LineReader.Event] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + size)
                events += reader.read(bytes[start..<end])
                start = end
            }
            if let last = reader.finish() { events.append(last) }
            return events
        }
        let whole = events(cutEvery: max(1, bytes.count))
        for size in [1, 2, 1 + Int(cut) % 7] {
            try requireSame(events(cutEvery: size), whole, "lines, cut every \(size) bytes")
        }
        for case .line(let line) in whole {
            try require(line.count <= limit && !line.isEmpty, "a line of \(line.count) bytes")
        }
    }
}
