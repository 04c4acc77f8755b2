import Foundation

/// Listens at ADDRESS:PORT and answers every connection with an HTTP status.
func serve(_ address: String, port: UInt16, status: String) throws -> Never {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    inet_pton(AF_INET, address, &name.sin_addr)
    let code = withUnsafePointer(to: &name) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard code == 0, listen(listener, 16) == 0 else {
        say("bind: \(String(cString: strerror(errno)))")
        exit(1)
    }
    say("listening at \(address):\(port)")
    signal(SIGPIPE, SIG_IGN)
    while true {
        let connection = accept(listener, nil, nil)
        let answer = Array("HTTP/1.1 \(status) x\r\n\r\n".utf8)
        _ = write(connection, answer, answer.count)
        close(connection)
    }
}
