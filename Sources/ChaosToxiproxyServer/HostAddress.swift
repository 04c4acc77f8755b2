import ChaosToxiproxy
import Dispatch
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the addresses of hosts as Go does: an IPv4 address is preferred.
enum HostAddress {
    private static let queue = DispatchQueue(
        label: "chaos.toxiproxy.names", attributes: .concurrent)

    /// The address of a host.
    ///
    /// - Throws: Why there is none, or that nobody answered in time.
    static func find(_ host: String, within time: Duration) async throws(PlaneFailure) -> String {
        guard let address = try await Self.findAll(host, within: time).first else {
            throw PlaneFailure("no such host")
        }
        return address
    }

    /// All addresses of a host, the preferred one first.
    ///
    /// - Throws: Why there is none, or that nobody answered in time.
    static func findAll(
        _ host: String, within time: Duration
    ) async throws(PlaneFailure) -> [String] {
        if let address = Self.literal(host) { return [address] }
        let (answers, answer) = AsyncStream<[String]>.makeStream()
        Self.queue.async { answer.yield(Self.lookUp(host)) }
        let timer = Task {
            try? await Task.sleep(for: time)
            answer.finish()
        }
        defer { timer.cancel() }
        for await addresses in answers {
            if addresses.isEmpty { throw PlaneFailure("no such host") }
            return addresses
        }
        throw PlaneFailure("i/o timeout")
    }

    /// The canonical text of an address.
    private static func literal(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0))?.ipAddress
    }

    private static func lookUp(_ host: String) -> [String] {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var texts: [(isFour: Bool, text: String)] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let result = getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil,
                0, NI_NUMERICHOST)
            if result != 0 { continue }
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            texts.append(
                (entry.pointee.ai_family == AF_INET, String(decoding: bytes, as: UTF8.self)))
        }
        return texts.filter(\.isFour).map(\.text) + texts.filter { !$0.isFour }.map(\.text)
    }
}
