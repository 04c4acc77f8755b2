#if os(Linux)
    import ChaosCore

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Looks where else something listens at a port, to say why a node is not found where it
    /// should be.
    enum ListenerSurvey {
        /// The addresses at which this port is listened on, outside the networks of this and other
        /// runs. `*` stands for every address.
        static func addresses(port: UInt16) -> [String] {
            var found: [String] = []
            for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
                for line in self.lines(of: file).dropFirst() {
                    let columns = line.split(separator: " ")
                    // proc_net_tcp: sl local_address rem_address st; 0A is LISTEN.
                    guard columns.count > 3, columns[3] == "0A",
                        let address = self.address(columns[1], port: port)
                    else { continue }
                    let isOfARun = (77...126).contains { address.hasPrefix("127.\($0).") }
                    if !isOfARun, !found.contains(address) { found.append(address) }
                }
            }
            return found
        }

        private static func address(_ column: Substring, port: UInt16) -> String? {
            let parts = column.split(separator: ":")
            guard parts.count == 2, UInt16(parts[1], radix: 16) == port else { return nil }
            if parts[0].allSatisfy({ $0 == "0" }) { return "*" }
            guard parts[0].count == 8, let word = UInt32(parts[0], radix: 16) else {
                return parts[0].hasSuffix("01000000") ? "::1" : "an IPv6 address"
            }
            // The kernel prints the word as it lies in memory.
            return withUnsafeBytes(of: word) { bytes in
                bytes.map { String($0) }.joined(separator: ".")
            }
        }

        private static func lines(of path: String) -> [Substring] {
            guard let file = fopen(path, "re") else { return [] }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
                bytes += buffer[..<count]
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        }
    }
#endif
