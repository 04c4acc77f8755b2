import ChaosCore
import Dispatch
import Foundation

#if canImport(Darwin)
    import Darwin
    private let streamKind = SOCK_STREAM
#else
    import Glibc
    private let streamKind = CInt(SOCK_STREAM.rawValue)
#endif

/// A client made of plain system calls, as `nc -U` is, with a deadline of a minute.
///
/// The calls block, so each runs on a thread of Dispatch, not on one that the server needs.
final class RawClient: Sendable {
    let descriptor: CInt

    init(_ path: String) throws {
        self.descriptor = socket(AF_UNIX, streamKind, 0)
        let descriptor = self.descriptor
        let result = withAddress(path) { connect(descriptor, $0, $1) }
        if result != 0 { throw InputError("connect", found: String(cString: strerror(errno))) }
    }

    deinit { close(self.descriptor) }

    func write(_ bytes: [UInt8]) async throws {
        try await blocking { [descriptor] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
                if count <= 0 { throw InputError("send", found: String(cString: strerror(errno))) }
                rest = rest.dropFirst(count)
            }
        }
    }

    func write(_ text: String) async throws { try await self.write(Array(text.utf8)) }

    /// Sends as much as the kernel takes at once.
    func writeWithoutWaiting(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Ends what this side sends, as `nc` does at the end of its input.
    func finishWriting() { shutdown(self.descriptor, CInt(SHUT_WR)) }

    /// The next line, or `nil` at the end of the stream.
    func readLine() async throws -> String? {
        try await blocking { [descriptor] in
            var line: [UInt8] = []
            while true {
                var byte: UInt8 = 0
                var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                if poll(&wait, 1, 60_000) == 0 { throw InputError("a line within 60s") }
                let count = recv(descriptor, &byte, 1, 0)
                if count < 0 { throw InputError("recv", found: String(cString: strerror(errno))) }
                if count == 0, line.isEmpty { return nil }
                if count == 0 || byte == 0x0A { return String(decoding: line, as: UTF8.self) }
                line.append(byte)
            }
        }
    }

    func readJSON() async throws -> JSONValue? {
        try await self.readLine().map { try JSONValue(parsing: $0) }
    }

    /// Sends one line and reads one.
    func ask(_ line: String) async throws -> JSONValue? {
        try await self.write(line + "\n")
        return try await self.readJSON()
    }
}

/// Runs what blocks on a thread that no task waits for.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
    }
}

/// A directory that is removed when the test is over.
func withTemporaryDirectory<Result>(
    _ body: (_ path: String) async throws -> Result
) async throws -> Result {
    // Short, because a socket's path is.
    let path = "/tmp/cc-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// Leaves a socket's file behind, as a run does that was killed.
func leaveStaleSocket(at path: String) throws {
    let descriptor = socket(AF_UNIX, streamKind, 0)
    defer { close(descriptor) }
    let result = withAddress(path) { bind(descriptor, $0, $1) }
    if result != 0 { throw InputError("bind", found: String(cString: strerror(errno))) }
}

private func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
}
