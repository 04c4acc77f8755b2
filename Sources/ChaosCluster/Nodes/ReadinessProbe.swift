import ChaosCore
import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Asks a node whether it is there, at the address where it listens itself.
enum ReadinessProbe {
    /// One attempt may take this long.
    private static let attemptMilliseconds: Int32 = 1000

    private static let queue = DispatchQueue(
        label: "chaos.readiness", attributes: .concurrent)

    /// Whether a connection is accepted: nil, or what was found instead.
    static func connect(to endpoint: Endpoint) async -> String? {
        await self.run {
            switch Self.open(endpoint) {
            case .success(let socket):
                _ = systemClose(socket)
                return nil
            case .failure(let finding): return finding.text
            }
        }
    }

    /// Whether `GET path` answers 200: nil, or what was found instead.
    static func get(_ path: String, at endpoint: Endpoint) async -> String? {
        await self.run {
            switch Self.open(endpoint) {
            case .success(let socket):
                defer { _ = systemClose(socket) }
                return Self.request(path, at: endpoint, socket)
            case .failure(let finding): return finding.text
            }
        }
    }

    private struct Finding: Error {
        let text: String
    }

    /// Does something that may block away from the tasks' threads.
    static func run<Value: Sendable>(_ probe: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            self.queue.async { continuation.resume(returning: probe()) }
        }
    }

    private static func open(_ endpoint: Endpoint) -> Result<Int32, Finding> {
        guard let address = SocketAddress(endpoint) else {
            return .failure(Finding(text: "no numeric address"))
        }
        #if os(Linux)
            let socket = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let socket = socket(address.family, SOCK_STREAM, 0)
        #endif
        guard socket >= 0 else { return .failure(Finding(text: self.text(errno))) }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        var code = address.connect(socket) == 0 ? 0 : errno
        if code == EINPROGRESS {
            var watched = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
            if poll(&watched, 1, self.attemptMilliseconds) == 0 {
                code = ETIMEDOUT
            } else {
                var length = socklen_t(MemoryLayout<Int32>.size)
                if getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length) != 0 { code = errno }
            }
        }
        if code == 0 { return .success(socket) }
        _ = systemClose(socket)
        return .failure(Finding(text: self.text(code)))
    }

    private static func request(_ path: String, at endpoint: Endpoint, _ socket: Int32) -> String? {
        var host = "localhost"
        if case .tcp = endpoint { host = endpoint.description }
        let request = Array(
            "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
        #if os(Linux)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        guard send(socket, request, request.count, flags) == request.count else {
            return self.text(errno)
        }
        // The status line is all that counts: `HTTP/1.1 200 OK`.
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 256)
        while !answer.contains(UInt8(ascii: "\n")), answer.count < 1024 {
            var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            if poll(&watched, 1, self.attemptMilliseconds) == 0 { return "no answer within 1 s" }
            let count = recv(socket, &buffer, buffer.count, 0)
            if count <= 0 { break }
            answer += buffer[..<count]
        }
        let line = String(decoding: answer.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let words = line.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1.") else { return "no HTTP answer" }
        return words[1] == "200" ? nil : "status \(words[1])"
    }

    private static func text(_ code: Int32) -> String {
        String(cString: strerror(code)).lowercased()
    }
}
