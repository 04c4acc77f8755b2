#if os(Linux)
    import ChaosSockets
    import Glibc

    // proc_pid_net(5): /proc/net/tcp and tcp6 have a line per socket:
    //   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
    //    0: 0100007F:1F90 0200007F:A0C4 02 …

    extension ConnectingSocket {
        /// All sockets of this network namespace in state SYN_SENT.
        ///
        /// The kernel's socket diagnostics tell only those. The tables in `/proc`, read where there are
        /// none, hold every socket: with ten thousand of them that takes twenty times as long.
        static func all() -> [ConnectingSocket] {
            if let diagnostics = try? SocketDiagnostics(),
                let records = try? diagnostics.tcpSockets(in: .connecting)
            {
                return records.map { ConnectingSocket($0) }
            }
            return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap {
                Self.connecting(in: ProcFile.read($0))
            }
        }

        init(_ record: SocketRecord) {
            self.init(
                remote: Self.printed(record.ends.remote),
                identity: "\(Self.printed(record.ends.local)) \(record.inode)")
        }

        /// An end as the tables in `/proc` print it.
        private static func printed(_ end: SocketEnd) -> String {
            let words: [UInt32] =
                end.isIPv4
                ? [UInt32(truncatingIfNeeded: end.low)]
                : [end.high, end.low].flatMap {
                    [UInt32(truncatingIfNeeded: $0 >> 32), UInt32(truncatingIfNeeded: $0)]
                }
            return words.map { Self.hexadecimal(UInt64($0.bigEndian), digits: 8) }.joined() + ":"
                + Self.hexadecimal(UInt64(end.port), digits: 4)
        }

        /// The sockets in state SYN_SENT of a table. Tables are long and few sockets are in that state,
        /// so a line is only looked into where it says so.
        static func connecting(in table: [UInt8]) -> [ConnectingSocket] {
            var sockets: [ConnectingSocket] = []
            table.withUnsafeBytes { table in
                var rest = table[...]
                while let line = Self.nextLine(&rest) {
                    guard Self.isConnecting(line) else { continue }
                    let fields = String(decoding: line, as: UTF8.self).split(separator: " ")
                    if fields.count < 10 { continue }
                    sockets.append(
                        ConnectingSocket(
                            remote: String(fields[2]), identity: "\(fields[1]) \(fields[9])"))
                }
            }
            return sockets
        }

        private static func nextLine(
            _ rest: inout Slice<UnsafeRawBufferPointer>
        ) -> UnsafeRawBufferPointer? {
            let bytes = UnsafeRawBufferPointer(rebasing: rest)
            guard let begin = bytes.baseAddress, let end = memchr(begin, 0x0a, bytes.count) else {
                return nil
            }
            let length = UnsafeRawPointer(end) - begin
            rest = rest.dropFirst(length + 1)
            return UnsafeRawBufferPointer(start: begin, count: length)
        }

        /// Whether the line's state is 02. The columns behind the number's colon have fixed widths.
        private static func isConnecting(_ line: UnsafeRawBufferPointer) -> Bool {
            guard let begin = line.baseAddress, let colon = memchr(begin, 0x3a, line.count) else {
                return false
            }
            let addresses = UnsafeRawPointer(colon) - begin + 2
            // An IPv4 address has 8 digits, an IPv6 address 32; a colon and 4 digits follow.
            return [13, 37].contains { width in
                let state = addresses + 2 * (width + 1)
                return state + 2 < line.count && line[state - 1] == 0x20
                    && line[addresses + width] == 0x20 && line[state] == 0x30
                    && line[state + 1] == 0x32 && line[state + 2] == 0x20
            }
        }
    }

    /// Files in `/proc`, whose sizes are unknown until they are read.
    enum ProcFile {
        /// Reads all of a file; nothing where it cannot be read.
        static func read(_ path: String) -> [UInt8] {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0 { return [] }
            defer { close(descriptor) }
            var content: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                if count <= 0 { return content }
                content += buffer[..<count]
            }
        }
    }
#endif
