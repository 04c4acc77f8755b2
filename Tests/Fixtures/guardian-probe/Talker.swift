import Foundation

/// Listens and dials as the words say, one after the other, and keeps all of it until it is ended.
///
/// `listen ADDRESS PORT` takes connections, `dial ADDRESS PORT` tries until it has one.
func talk(_ words: [String]) throws -> Never {
    for start in stride(from: 0, to: words.count - 2, by: 3) {
        let (verb, address, port) = (words[start], words[start + 1], words[start + 2])
        if verb == "listen" {
            let listener = openSocket(address, port) { bind($0, $1, $2) }
            guard let listener, listen(listener, 64) == 0 else {
                say("listen \(address) \(port): \(String(cString: strerror(errno)))")
                exit(1)
            }
        } else {
            while openSocket(address, port, { connect($0, $1, $2) }) == nil { usleep(10_000) }
        }
        say("\(verb) \(address) \(port)")
    }
    while true { pause() }
}

/// A TCP socket that a call has given an address to, or nil when the call failed.
private func openSocket(
    _ address: String, _ port: String,
    _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32? {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, port, &hints, &found) == 0, let found else { return nil }
    defer { freeaddrinfo(found) }
    let name = found.pointee
    let descriptor = socket(name.ai_family, name.ai_socktype, 0)
    if descriptor < 0 { return nil }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if let pointer = name.ai_addr, call(descriptor, pointer, name.ai_addrlen) == 0 {
        return descriptor
    }
    close(descriptor)
    return nil
}
