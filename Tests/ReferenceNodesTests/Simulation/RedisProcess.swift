import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A running Redis server, the real one or ours, and a connection to it. Ends with this value.
final class RedisProcess: @unchecked Sendable {
    // Sound because a test uses its servers from one task, one call after the other.

    let folder: URL
    private let process = Process()
    let port: Int
    private var socket: Int32 = -1

    /// Debian's redis-server.
    static func real() async throws -> RedisProcess {
        let program = URL(fileURLWithPath: "/usr/bin/redis-server")
        try #require(
            FileManager.default.isExecutableFile(atPath: program.path),
            "this test runs redis-server: sudo apt-get install redis-server redis-tools")
        return try await RedisProcess(program) { port, folder in
            ["--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        }
    }

    /// `chaos-node redis-server`, as it was built beside the tests.
    static func ours(variant: String = "always") async throws -> RedisProcess {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? .main
        var url = bundle.bundleURL
        if url.pathExtension == "xctest" { url.deleteLastPathComponent() }
        return try await RedisProcess(url.appendingPathComponent("chaos-node")) { port, folder in
            [
                "redis-server", "--variant", variant, "--id", "r1", "--listen", "127.0.0.1:\(port)",
                "--data", folder,
            ]
        }
    }

    private init(_ program: URL, arguments: (Int, String) -> [String]) async throws {
        self.folder = FileManager.default.temporaryDirectory.appending(
            path: "redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: self.folder, withIntermediateDirectories: true)
        self.port = try Self.freePort()
        self.process.executableURL = program
        self.process.arguments = arguments(self.port, self.folder.path)
        self.process.environment = [:]
        self.process.standardOutput = FileHandle.nullDevice
        self.process.standardError = FileHandle.nullDevice
        try self.process.run()
        try await self.connect()
    }

    deinit {
        if self.socket >= 0 { close(self.socket) }
        if self.process.isRunning { Foundation.kill(self.process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// Kills it as nothing can prepare for.
    func kill() async {
        Foundation.kill(self.process.processIdentifier, SIGKILL)
        self.process.waitUntilExit()
    }

    /// A port that nobody has at the moment.
    private static func freePort() throws -> Int {
        let descriptor = Self.makeSocket()
        defer { close(descriptor) }
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func makeSocket() -> Int32 {
        #if canImport(Glibc)
            Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            Darwin.socket(AF_INET, SOCK_STREAM, 0)
        #endif
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func connect() async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            self.socket = try self.newConnection()
            if self.socket >= 0 { return }
            try #require(ContinuousClock.now < deadline, "the server must listen")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func newConnection() throws -> Int32 {
        let descriptor = Self.makeSocket()
        var address = Self.address(port: self.port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Glibc)
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                #else
                    Darwin.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                #endif
            }
        }
        if isConnected { return descriptor }
        close(descriptor)
        return -1
    }

    /// Sends an inline command and returns the answer as it came: what is there when a command that
    /// follows has been answered.
    func ask(_ command: String) async throws -> String {
        let mark = "$4\r\nmark\r\n"
        let answer = try self.read(
            from: self.socket, after: "\(command)\r\nECHO mark\r\n", until: mark)
        return String(answer.dropLast(mark.count))
    }

    /// Sends bytes over a connection of their own, and returns all that comes until it ends.
    func exchange(_ bytes: String) throws -> String {
        let descriptor = try self.newConnection()
        defer { close(descriptor) }
        return try self.read(from: descriptor, after: bytes, until: nil)
    }

    private func read(
        from descriptor: Int32, after request: String, until mark: String?
    ) throws -> String {
        let sent = request.utf8.withContiguousStorageIfAvailable {
            send(descriptor, $0.baseAddress, $0.count, 0)
        }
        try #require(sent == request.utf8.count)
        var answer: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &block, block.count, 0)
            if count > 0 { answer += block[..<count] }
            let text = String(decoding: answer, as: UTF8.self)
            if let mark, text.hasSuffix(mark) { return text }
            if count <= 0 {
                try #require(mark == nil, "the server must answer '\(request)', found '\(text)'")
                return text
            }
        }
    }

    /// Runs one of Redis's own tools against the server.
    func tool(
        _ name: String, _ arguments: [String], hasPort: Bool = true, input: URL? = nil
    ) async throws -> String {
        let tool = Process()
        tool.executableURL = URL(fileURLWithPath: "/usr/bin/\(name)")
        tool.arguments = (hasPort ? ["-p", "\(self.port)"] : []) + arguments
        let pipe = Pipe()
        tool.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? .nullDevice
        tool.standardOutput = pipe
        tool.standardError = pipe
        try tool.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        tool.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
