#if os(Linux)
    import ChaosSockets

    /// Who of this network namespace has bound UDP ports (`/proc/net/udp`, proc_pid_net(5)).
    enum BoundDatagramPorts {
        /// Which of these ends somebody would receive at. It takes as long as there are sockets.
        static func among(_ ends: Set<SocketEnd>) -> Set<SocketEnd> {
            var bound: Set<SocketEnd> = []
            for (file, isIPv4) in [("/proc/net/udp", true), ("/proc/net/udp6", false)] {
                for line in ProcFile.read(file).split(separator: UInt8(ascii: "\n")).dropFirst() {
                    if let end = Self.localEnd(line, isIPv4: isIPv4) { bound.insert(end) }
                }
            }
            return ends.filter { end in end.listeningPlaces.contains { bound.contains($0) } }
        }

        /// The local end in a line such as `  12: 0100007F:1B59 00000000:0000 07 …`. Addresses are
        /// groups of four bytes, each as the machine has numbers.
        static func localEnd(_ line: ArraySlice<UInt8>, isIPv4: Bool) -> SocketEnd? {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard words.count == 3 else { return nil }
            let parts = String(decoding: words[1], as: UTF8.self).split(separator: ":")
            guard parts.count == 2, let port = UInt16(parts[1], radix: 16),
                parts[0].count == (isIPv4 ? 8 : 32)
            else { return nil }
            var groups: [UInt64] = []
            var rest = parts[0]
            while !rest.isEmpty {
                guard let group = UInt32(rest.prefix(8), radix: 16) else { return nil }
                groups.append(UInt64(UInt32(bigEndian: group)))
                rest = rest.dropFirst(8)
            }
            if isIPv4 { return SocketEnd(address: UInt32(groups[0]), port: port) }
            return SocketEnd(
                high: groups[0] << 32 | groups[1], low: groups[2] << 32 | groups[3], port: port)
        }
    }
#endif
