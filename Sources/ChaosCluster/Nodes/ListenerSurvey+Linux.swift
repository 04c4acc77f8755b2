#if os(Linux)
    import ChaosCore

    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// Looks where a node's processes listen, to say why they are not found where they should be.
    enum ListenerSurvey {
        /// The addresses at which processes with this entry in their environment listen at a port;
        /// `*` stands for every address. Reads much of /proc: for failures only.
        static func addresses(port: UInt16, entry: String) -> [String] {
            let sockets = self.sockets(entry: entry)
            var found: [String] = []
            for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
                let text = String(decoding: self.content(of: file), as: UTF8.self)
                for line in text.split(separator: "\n").dropFirst() {
                    // proc_net_tcp: sl local_address rem_address st … inode; 0A is LISTEN.
                    let columns = line.split(separator: " ")
                    guard columns.count > 9, columns[3] == "0A",
                        sockets.contains(String(columns[9])),
                        let address = self.address(columns[1], port: port)
                    else { continue }
                    if !found.contains(address) { found.append(address) }
                }
            }
            return found
        }

        private static func address(_ column: Substring, port: UInt16) -> String? {
            let parts = column.split(separator: ":")
            guard parts.count == 2, UInt16(parts[1], radix: 16) == port else { return nil }
            if parts[0].allSatisfy({ $0 == "0" }) { return "*" }
            guard parts[0].count == 8, let word = UInt32(parts[0], radix: 16) else {
                return parts[0].hasSuffix("01000000") ? "[::1]" : "an IPv6 address"
            }
            // The kernel prints the word as it lies in memory.
            return withUnsafeBytes(of: word) { bytes in
                bytes.map { String($0) }.joined(separator: ".")
            }
        }

        /// The inodes of the sockets that such processes have open.
        private static func sockets(entry: String) -> Set<String> {
            let wanted = Array(entry.utf8)[...]
            var inodes: Set<String> = []
            for pid in self.names(in: "/proc") where pid.allSatisfy(\.isNumber) {
                let environment = self.content(of: "/proc/\(pid)/environ")
                guard environment.split(separator: 0).contains(wanted) else { continue }
                for descriptor in self.names(in: "/proc/\(pid)/fd") {
                    var target = [UInt8](repeating: 0, count: 64)
                    let count = target.withUnsafeMutableBytes { buffer in
                        readlink(
                            "/proc/\(pid)/fd/\(descriptor)",
                            buffer.assumingMemoryBound(to: CChar.self).baseAddress!, buffer.count)
                    }
                    // `socket:[12345]`
                    let text = String(decoding: target.prefix(max(0, count)), as: UTF8.self)
                    if text.hasPrefix("socket:[") {
                        inodes.insert(String(text.dropFirst(8).dropLast()))
                    }
                }
            }
            return inodes
        }

        private static func names(in path: String) -> [String] {
            guard let directory = opendir(path) else { return [] }
            defer { closedir(directory) }
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if !name.hasPrefix(".") { names.append(name) }
            }
            return names
        }

        private static func content(of path: String) -> [UInt8] {
            guard let file = fopen(path, "re") else { return [] }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
                bytes += buffer[..<count]
            }
            return bytes
        }
    }
#endif
