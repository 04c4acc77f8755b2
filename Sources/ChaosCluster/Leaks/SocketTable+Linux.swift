#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// The TCP sockets of this network namespace, as far as they can belong to somebody.
    struct SocketTable {
        /// One socket that is or was connected, seen from its own side.
        struct Connection: Hashable {
            let local: SocketEnd
            let remote: SocketEnd
            /// The number by which /proc/PID/fd names the socket; 0 once nobody has it open.
            let inode: UInt64
        }

        /// The connections that were asked for, in the order of the kernel's table.
        private(set) var connections: [Connection] = []
        /// The inodes of listening sockets by where they listen.
        private(set) var listeners: [SocketEnd: [UInt64]] = [:]

        /// Reads the tables of both families.
        ///
        /// - Parameter isWanted: Given the local and the remote end of a connection.
        static func read(where isWanted: (SocketEnd, SocketEnd) -> Bool) -> SocketTable {
            var table = SocketTable()
            for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
                guard let content = ProcessDirectory.content(of: file) else { continue }
                table.add(content, where: isWanted)
            }
            return table
        }

        /// Adds the sockets of one file in the form of proc_pid_net(5):
        /// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`.
        mutating func add(_ content: [UInt8], where isWanted: (SocketEnd, SocketEnd) -> Bool) {
            content.withUnsafeBytes { content in
                guard var start = content.baseAddress else { return }
                let end = start + content.count
                while start < end, let newline = memchr(start, 0x0a, end - start) {
                    let length = UnsafeRawPointer(newline) - start
                    if let line = SocketLine(start, length) { self.add(line, where: isWanted) }
                    start += length + 1
                }
            }
        }

        private mutating func add(
            _ line: SocketLine, where isWanted: (SocketEnd, SocketEnd) -> Bool
        ) {
            guard let (local, remote) = line.ends else { return }
            if line.isListening {
                guard let inode = line.inode else { return }
                self.listeners[local, default: []].append(inode)
            } else if isWanted(local, remote), let inode = line.inode {
                self.connections.append(Connection(local: local, remote: remote, inode: inode))
            }
        }
    }

    /// One line of /proc/net/tcp. Long tables are full of TIME_WAIT, which nobody holds, so that
    /// such a line is left after a glance at its state.
    struct SocketLine {
        let isListening: Bool

        private let bytes: UnsafeRawBufferPointer
        /// Where the local address begins.
        private let start: Int
        /// Digits of an address: 8 or 32.
        private let width: Int
        /// Where the state stands: behind two addresses with a colon, four digits and a space.
        private let state: Int

        /// Nil for a socket that no process can hold, and for the headings.
        init?(_ line: UnsafeRawPointer, _ length: Int) {
            // `  12: 0100007F:1F90 0200007F:A0C4 01 …`
            guard let colon = memchr(line, 0x3a, length) else { return nil }
            self.start = UnsafeRawPointer(colon) - line + 2
            if self.start + 8 >= length { return nil }
            self.width = line.load(fromByteOffset: self.start + 8, as: UInt8.self) == 0x3a ? 8 : 32
            self.state = self.start + 2 * (self.width + 6)
            if self.state + 1 >= length
                || line.load(
                    fromByteOffset: self.state, as: UInt8.self) != 0x30
            {
                return nil
            }
            // ESTABLISHED, SYN_SENT, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT and LISTEN, which is 0A;
            // include/net/tcp_states.h.
            switch line.load(fromByteOffset: self.state + 1, as: UInt8.self) {
            case 0x31, 0x32, 0x34, 0x35, 0x38: self.isListening = false
            case 0x41: self.isListening = true
            default: return nil
            }
            self.bytes = UnsafeRawBufferPointer(start: line, count: length)
        }

        /// The local and the remote end.
        var ends: (local: SocketEnd, remote: SocketEnd)? {
            guard let local = self.end(at: self.start),
                let remote = self.end(at: self.start + self.width + 6)
            else { return nil }
            return (local, remote)
        }

        /// The last of the seven columns that begin with the state.
        var inode: UInt64? {
            var position = self.state
            for _ in 0..<6 {
                while position < self.bytes.count, self.bytes[position] != 0x20 { position += 1 }
                while position < self.bytes.count, self.bytes[position] == 0x20 { position += 1 }
            }
            var value: UInt64?
            while position < self.bytes.count, case 0x30...0x39 = self.bytes[position] {
                let digit = UInt64(self.bytes[position] - 0x30)
                value = (value ?? 0) &* 10 &+ digit
                position += 1
            }
            return value
        }

        private func end(at position: Int) -> SocketEnd? {
            guard let port = self.number(at: position + self.width + 1, digits: 4) else {
                return nil
            }
            // The kernel prints each word of the address as it lies in memory.
            var words: [UInt64] = []
            for offset in stride(from: 0, to: self.width, by: 8) {
                guard let word = self.number(at: position + offset, digits: 8) else { return nil }
                words.append(UInt64(UInt32(bigEndian: word)))
            }
            if words.count == 1 {
                return SocketEnd(address: UInt32(words[0]), port: UInt16(port))
            }
            return SocketEnd(
                high: words[0] << 32 | words[1], low: words[2] << 32 | words[3], port: UInt16(port))
        }

        /// A hexadecimal number of fixed width.
        private func number(at position: Int, digits: Int) -> UInt32? {
            guard position + digits <= self.bytes.count else { return nil }
            var value: UInt32 = 0
            for index in position..<(position + digits) {
                let byte = self.bytes[index]
                switch byte {
                case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
                case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
                default: return nil
                }
            }
            return value
        }
    }
#endif
