import Foundation
import Synchronization

/// Makes the ids of requests: 20 letters from `0` to `v`, as Toxiproxy's are (rs/xid): the time, this
/// machine and process, and a counter.
final class RequestIDs: Sendable {
    private let counter: Atomic<UInt32>
    private let origin: [UInt8]

    init() {
        var random = SystemRandomNumberGenerator()
        self.counter = Atomic(UInt32.random(in: 0..<1 << 24, using: &random))
        let process = UInt16(truncatingIfNeeded: ProcessInfo.processInfo.processIdentifier)
        self.origin =
            (0..<3).map { _ in UInt8.random(in: 0...255, using: &random) } + [
                UInt8(process >> 8), UInt8(process & 255),
            ]
    }

    func next() -> String {
        let seconds = UInt32(truncatingIfNeeded: Int(Date().timeIntervalSince1970))
        let count = self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        let bytes =
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: seconds >> UInt32($0)) } + self.origin
            + [16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
        let letters = Array("0123456789abcdefghijklmnopqrstuv")
        var text = ""
        var bits: (value: UInt32, count: UInt32) = (0, 0)
        for byte in bytes {
            bits = (bits.value << 8 | UInt32(byte), bits.count + 8)
            while bits.count >= 5 {
                text.append(letters[Int(bits.value >> (bits.count - 5) & 31)])
                bits.count -= 5
            }
            bits.value &= (1 << bits.count) - 1
        }
        text.append(letters[Int(bits.value << (5 - bits.count) & 31)])
        return text
    }
}
