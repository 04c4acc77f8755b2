import Dispatch
import Foundation
import Glibc

/// A client that sends lines to a node and waits for lines, with a limit for each step.
final class LineClient: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let socket: Int32
    private let queue = DispatchQueue(label: "test.client")

    /// Connects within two seconds.
    init(host: String, port: Int) async throws {
        self.socket = try await Self.blocking(DispatchQueue(label: "test.connect")) {
            try Self.connect(host, port)
        }
    }

    deinit { close(self.socket) }

    /// Sends a line and waits two seconds for one; `nil` when none came or the connection ended.
    func ask(_ line: String) async throws -> String? {
        let socket = self.socket
        return try await Self.blocking(self.queue) {
            let bytes = Array((line + "\n").utf8)
            if send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) != bytes.count {
                return nil
            }
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while answer.last != UInt8(ascii: "\n") {
                let count = recv(socket, &buffer, buffer.count, 0)
                if count <= 0 { return nil }
                answer += buffer[..<count]
            }
            return String(decoding: answer.dropLast(), as: UTF8.self)
        }
    }

    /// Asks an echo node.
    func echo(_ text: String, of node: String = "n1") async throws -> String? {
        try await self.ask(
            #"{"src":"c1","dest":"\#(node)","body":{"type":"echo","echo":"\#(text)","msg_id":1}}"#)
    }

    private static func connect(_ host: String, _ port: Int) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // SO_SNDTIMEO limits connect(2) too; see socket(7).
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if code == 0 { return socket }
        let error = String(cString: strerror(errno))
        close(socket)
        throw Failure(description: error)
    }

    private static func blocking<Value: Sendable>(
        _ queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// Whether a process is gone; a zombie is.
func isGone(_ pid: Int) -> Bool {
    if kill(pid_t(pid), 0) != 0 { return errno == ESRCH }
    let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    return text.split(separator: ")").last?.split(separator: " ").first == "Z"
}

/// A scenario of echo nodes; more lines may follow.
func echoScenario(nodes: Int = 1, _ more: String = "") -> String {
    """
    name: echo
    nodes:
      n1..n\(nodes):
        command: chaos-node echo --id {node} --listen {listen} --peers {peers:%n=%a}
    network: { framing: { main: lines } }
    \(more)
    """
}
