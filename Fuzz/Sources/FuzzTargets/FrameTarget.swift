import ChaosTopology

extension FuzzTarget {
    /// Ethernet frames, as nodes of the lab send them: they may send what they like.
    static let frame = FuzzTarget(
        "frame", "packets between the nodes of the lab", seedBytes: Self.frames
    ) { bytes in
        guard let frame = LabFrame(bytes) else { return }
        try require(frame.end <= bytes.count, "a packet ends behind its frame: \(frame.end)")
        try require(
            frame.headerOffset < frame.transportOffset, "what is above IP begins before it does")
        let completed = frame.withChecksum(bytes)
        try requireSame(completed.count, bytes.count, "a frame's size, with its checksum")
        try requireSame(frame.withChecksum(completed), completed, "a frame, completed twice")
        if let answer = ResetFrame.answering(frame, bytes) {
            guard let back = LabFrame(answer) else { throw FuzzFailure("a reset cannot be read") }
            try require(back.isRefusal, "an answer is no reset")
            try requireSame(back.source, frame.target, "who answers")
            try requireSame(back.target, frame.source, "who is answered")
            try requireSame(back.targetPort, frame.sourcePort, "the port that is answered")
            try requireSame(back.withChecksum(answer), answer, "a reset's checksum")
        }
        if let reset = ResetFrame.replacing(frame, bytes) {
            try require(LabFrame(reset)?.isRefusal == true, "a reset in a segment's place is none")
        }
    }

    /// Each kind of packet once, from n1 to n2.
    private static let frames: [[UInt8]] = {
        let syn: [UInt8] = [
            0x9c, 0x40, 0x09, 0x4c, 0, 0, 1, 0, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
        ]
        var data = syn
        data[13] = 0x18
        let udp: [UInt8] = [0x9c, 0x40, 0x09, 0x4c, 0, 12, 0, 0, 1, 2, 3, 4]
        let ping: [UInt8] = [8, 0, 0, 0, 0, 1, 0, 1]
        let upper: [(number: UInt8, bytes: [UInt8])] = [
            (6, syn), (6, data + [1, 2, 3]), (17, udp), (1, ping), (58, ping), (47, [0, 0]),
        ]
        let prefix: [UInt8] = [0xfd, 0, 0, 0x77] + [UInt8](repeating: 0, count: 11)
        return upper.flatMap { number, bytes -> [[UInt8]] in
            let hardware = [UInt8](repeating: 2, count: 12)
            let ipv4: [UInt8] =
                [0x45, 0, 0, UInt8(20 + bytes.count), 0, 0, 0x40, 0, 64, number, 0, 0]
                + [10, 77, 0, 1, 10, 77, 0, 2]
            let ends: [UInt8] = prefix + [1] + prefix + [2]
            let ipv6: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(bytes.count), number, 64] + ends
            // A destination option, then a first fragment, in front of the rest.
            let headers: [UInt8] = [44, 0, 1, 4, 0, 0, 0, 0, number, 0, 0, 1, 0, 0, 0, 7]
            let behind: [UInt8] =
                [0x60, 0, 0, 0, 0, UInt8(16 + bytes.count), 60, 64] + ends + headers
            return [
                hardware + [0x08, 0x00] + ipv4 + bytes, hardware + [0x86, 0xdd] + ipv6 + bytes,
                hardware + [0x86, 0xdd] + behind + bytes,
            ]
        }
    }()
}
