/// A qdisc's `TCA_OPTIONS` for netem (linux/pkt_sched.h): a fixed part, and attributes behind it. libnl-route
/// has no words for the rate, loss models, times of 64 bits and the seed, so all of it is written here.
package enum NetemOptions {
    private enum Attribute {
        static let correlation: UInt16 = 1
        static let distribution: UInt16 = 2
        static let reorder: UInt16 = 3
        static let corrupt: UInt16 = 4
        static let loss: UInt16 = 5
        static let rate: UInt16 = 6
        static let rate64: UInt16 = 8
        static let latency64: UInt16 = 10
        static let jitter64: UInt16 = 11
        static let seed: UInt16 = 14
        /// Within a loss model.
        static let gilbertElliott: UInt16 = 2
    }

    /// How long `struct tc_netem_qopt` is.
    private static let fixedSize = 24

    /// The options of a qdisc, in the byte order of this machine.
    package static func bytes(_ spec: NetemSpec) -> [UInt8] {
        var out = Words()
        var (loss, lossCorrelation): (UInt32, UInt32) = (0, 0)
        if case .random(let probability, let correlation) = spec.loss {
            (loss, lossCorrelation) = (probability, correlation)
        }
        // Times are in the attributes of 64 bits.
        out.put(0, spec.limit, loss, spec.gap, spec.duplicate.probability, 0)
        out.attribute(Attribute.correlation) {
            $0.put(spec.delayCorrelation, lossCorrelation, spec.duplicate.correlation)
        }
        out.attribute(Attribute.reorder) {
            $0.put(spec.reorder.probability, spec.reorder.correlation)
        }
        out.attribute(Attribute.corrupt) {
            $0.put(spec.corrupt.probability, spec.corrupt.correlation)
        }
        out.attribute(Attribute.rate) {
            $0.put(UInt32(clamping: spec.rate), 0, 0, 0)
        }
        if spec.rate > UInt64(UInt32.max) {
            out.attribute(Attribute.rate64) { $0.put(spec.rate) }
        }
        if case .gilbertElliott(let p, let r, let keptInBad, let lostInGood) = spec.loss {
            out.attribute(Attribute.loss) { nest in
                nest.attribute(Attribute.gilbertElliott) { $0.put(p, r, keptInBad, lostInGood) }
            }
        }
        out.attribute(Attribute.latency64) { $0.put(UInt64(bitPattern: spec.latency)) }
        out.attribute(Attribute.jitter64) { $0.put(UInt64(bitPattern: spec.jitter)) }
        if !spec.distribution.isEmpty {
            out.attribute(Attribute.distribution) { words in
                for value in spec.distribution { words.put(value) }
            }
        }
        out.attribute(Attribute.seed) { $0.put(spec.seed) }
        return out.bytes
    }

    /// The seed of a qdisc as the kernel reports it; nil where it has none and draws as it likes.
    package static func seed(in options: [UInt8]) -> UInt64? {
        var place = Self.fixedSize
        while place + 4 <= options.count {
            let length = Int(options[place]) | Int(options[place + 1]) << 8
            let kind = UInt16(options[place + 2]) | UInt16(options[place + 3]) << 8
            if length < 4 || place + length > options.count { return nil }
            if kind & 0x3fff == Attribute.seed, length == 12 {
                return options[place + 4..<place + 12].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            place += (length + 3) / 4 * 4
        }
        return nil
    }
}

/// Words and attributes (`struct nlattr`), each aligned to four bytes. All machines that Swift builds for
/// Linux on are little-endian.
private struct Words {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ words: UInt32...) { for word in words { self.append(word) } }

    mutating func put(_ word: UInt64) { self.append(word) }

    mutating func put(_ value: Int16) { self.append(UInt16(bitPattern: value)) }

    private mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            self.bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func attribute(_ kind: UInt16, _ content: (inout Words) -> Void) {
        var inner = Words()
        content(&inner)
        self.append(UInt16(truncatingIfNeeded: inner.bytes.count + 4))
        self.append(kind)
        self.bytes += inner.bytes
        while self.bytes.count % 4 != 0 { self.bytes.append(0) }
    }
}
