#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks a live run one thing over its control socket: in a guest without KVM each `chaos` takes seconds to start.
struct Asking {
    let socket: String

    /// The line that comes back.
    func answer(to request: String) -> String {
        #if canImport(Glibc)
            let connection = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #elseif canImport(Musl)
            let connection = Musl.socket(AF_UNIX, SOCK_STREAM, 0)
        #else
            let connection = Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        defer { close(connection) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(self.socket.utf8)
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return "\(self.socket): too long"
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if code < 0 { return "\(self.socket): \(String(cString: strerror(errno)))" }
        let line = Array((request + "\n").utf8)
        guard write(connection, line, line.count) == line.count else {
            return "\(self.socket): \(String(cString: strerror(errno)))"
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answer.last != UInt8(ascii: "\n") {
            let count = read(connection, &buffer, buffer.count)
            if count <= 0 { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self).split(separator: "\n").first.map(String.init)
            ?? "no answer"
    }
}
