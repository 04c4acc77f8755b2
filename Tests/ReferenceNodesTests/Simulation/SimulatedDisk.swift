import ChaosCore
import NodeKit

/// What a node keeps, in the bytes of the real log.
struct SimulatedDisk {
    private var starts: UInt64 = 0
    private(set) var bytes: [UInt8] = []
    private var syncedCount = 0

    mutating func boot(date: Duration) -> NodeLife {
        self.starts += 1
        let (records, byteCount) = LogCodec.records(in: self.bytes)
        self.bytes.removeLast(self.bytes.count - byteCount)
        self.syncedCount = byteCount
        return NodeLife(start: self.starts, records: records, date: date)
    }

    mutating func append(_ record: JSONValue) {
        self.bytes.append(contentsOf: LogCodec.line(of: record).utf8)
    }

    mutating func sync() { self.syncedCount = self.bytes.count }

    mutating func replaceLog(with records: [JSONValue]) {
        self.bytes = records.flatMap { LogCodec.line(of: $0).utf8 }
        self.sync()
    }

    /// What a crash leaves: all that is durable, and some of what is not, torn anywhere.
    mutating func crash(_ randomness: inout Randomness) {
        let loose = self.bytes.count - self.syncedCount
        if loose > 0 { self.bytes.removeLast(randomness.next(below: loose + 1)) }
    }
}
