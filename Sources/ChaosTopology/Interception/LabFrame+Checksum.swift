import ChaosCore

extension LabFrame {
    /// The frame with its TCP checksum computed, which a sender leaves to its network card.
    ///
    /// - Parameter bytes: All of the frame.
    package func withChecksum(_ bytes: [UInt8]) -> [UInt8] {
        let place = self.transportOffset + 16
        guard self.transport == .tcp, self.isFirst, self.end <= bytes.count, place + 2 <= self.end
        else { return bytes }
        var bytes = bytes
        let addresses = self.headerOffset + (self.family == .ipv4 ? 12 : 8)
        let size = self.family == .ipv4 ? 8 : 32
        let length = self.end - self.transportOffset
        (bytes[place], bytes[place + 1]) = (0, 0)
        let pseudo =
            Array(bytes[addresses..<addresses + size])
            + [0, RouteRule.Transport.tcp.rawValue, UInt8(length >> 8), UInt8(length & 255)]
        let sum = Checksum.of(pseudo + bytes[self.transportOffset..<self.end])
        (bytes[place], bytes[place + 1]) = (UInt8(sum >> 8), UInt8(sum & 255))
        return bytes
    }
}
