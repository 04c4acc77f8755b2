#if os(Linux)
    import Glibc

    // proc_pid_net(5): /proc/net/tcp and tcp6 have a line per socket:
    //   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
    //    0: 0100007F:1F90 0200007F:A0C4 02 …

    extension ConnectingSocket {
        /// All sockets of this network namespace in state SYN_SENT.
        static func all() -> [ConnectingSocket] {
            ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { Self.connecting(in: ProcFile.read($0)) }
        }

        /// The sockets in state SYN_SENT of a table.
        static func connecting(in table: [UInt8]) -> [ConnectingSocket] {
            var sockets: [ConnectingSocket] = []
            for line in table.split(separator: UInt8(ascii: "\n")).dropFirst() {
                let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 10)
                guard fields.count > 9, fields[3].elementsEqual("02".utf8) else { continue }
                let text = { String(decoding: fields[$0], as: UTF8.self) }
                sockets.append(
                    ConnectingSocket(remote: text(2), identity: "\(text(1)) \(text(9))"))
            }
            return sockets
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
