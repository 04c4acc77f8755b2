import ChaosCore

/// One bit of a message.
package struct MessageBit: Hashable, Sendable {
    /// The index of its byte in the message.
    package let offset: Int
    /// Its place in the byte: 0 is worth 1, 7 is worth 128.
    package let bit: Int

    /// Names a bit.
    package init(offset: Int, bit: Int) {
        self.offset = offset
        self.bit = bit
    }
}

// Corruption must leave the framing whole: afterwards the receiver finds the same messages with the
// same lengths, one of them with wrong contents.

extension MessageView {
    /// The bytes whose bits may be flipped, in order and apart from each other.
    ///
    /// Of `lines` all but the line's end, of lengths the payload behind them, of `resp` the bytes
    /// of bulk strings, of `http1` a body that a Content-Length counts, of `http2` what DATA carries. Bytes
    /// of `none` have no payload.
    package var payloadRanges: [Range<Int>] {
        switch self.framing {
        case .none: return []
        case .lines, .length16, .length32, .varint:
            let payload = self.framing.payload(of: self.bytes)
            return payload.isEmpty ? [] : [payload]
        case .resp:
            guard case .resp(let message) = self.content else { return [] }
            return message.bulks.filter { !$0.isEmpty }
        case .http1:
            guard case .http1(let message) = self.content, let body = message.countedBody,
                !body.isEmpty
            else { return [] }
            return [body]
        case .http2:
            guard case .http2(let message) = self.content, let data = message.data, !data.isEmpty
            else { return [] }
            return [data]
        }
    }

    /// Whether flipping a bit (0…7) of the byte at an offset leaves the framing whole.
    package func canFlip(offset: Int, bit: Int) -> Bool {
        guard self.payloadRanges.contains(where: { $0.contains(offset) }) else { return false }
        return self.leavesLine(offset, bit)
    }

    /// The bit that a random number chooses among those that may be flipped, all nearly equally
    /// likely;
    /// `nil` if there are none.
    package func bitToFlip(_ random: UInt64) -> MessageBit? {
        let ranges = self.payloadRanges
        let count = ranges.reduce(0) { $0 + $1.count }
        if count == 0 { return nil }
        var rest = Int(random.multipliedFullWidth(by: UInt64(count) * 8).high)
        for range in ranges {
            if rest >= range.count * 8 {
                rest -= range.count * 8
                continue
            }
            let offset = range.lowerBound + rest / 8
            // At most one bit of a byte turns it into a newline; its neighbour stands in.
            let bit = self.leavesLine(offset, rest % 8) ? rest % 8 : (rest + 1) % 8
            return MessageBit(offset: offset, bit: bit)
        }
        preconditionFailure("a number below the count of bits lies in one of the ranges")
    }

    /// Whether a byte stays other than a newline, where one would end the message.
    private func leavesLine(_ offset: Int, _ bit: Int) -> Bool {
        self.framing != .lines || self.bytes[offset] ^ (1 << UInt8(bit)) != 0x0A
    }
}
