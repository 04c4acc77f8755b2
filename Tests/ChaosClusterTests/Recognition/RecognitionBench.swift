#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosProxy
    import ChaosSockets
    import Foundation
    import OrderedCollections
    import Synchronization
    import Testing

    /// How the connections of a test are made.
    enum Way: String, CaseIterable, Sendable {
        case ipv4, ipv6
        /// An IPv6 socket that dials an IPv4 address, and one that accepts from it.
        case mappedDialer, mappedListener
        case unix

        static let tcp: [Way] = [.ipv4, .ipv6, .mappedDialer, .mappedListener]

        fileprivate var listening: (family: Int32, host: String) {
            switch self {
            case .ipv4, .mappedDialer: (AF_INET, "127.0.0.1")
            case .ipv6: (AF_INET6, "::1")
            case .mappedListener: (AF_INET6, "::")
            case .unix: (AF_UNIX, "")
            }
        }

        fileprivate var dialled: (family: Int32, host: String) {
            switch self {
            case .ipv4, .mappedListener: (AF_INET, "127.0.0.1")
            case .ipv6: (AF_INET6, "::1")
            case .mappedDialer: (AF_INET6, "::ffff:127.0.0.1")
            case .unix: (AF_UNIX, "")
            }
        }
    }

    /// Nodes that dial this process, and the recognition under test. Each connection begins with a line
    /// in which the dialer says who he is.
    final class RecognitionBench: Sendable {
        let host: ProcessHost
        let recognition: NodeRecognition
        private let way: Way
        private let listener: Int32
        private let outsiders = Mutex<[Int32]>([])
        /// Where to dial: a port, or a path.
        private let address: String

        /// What the dialer said, and what was recognised.
        struct Seen: Hashable { let tag: String, opener: Opener }

        private init(_ way: Way, nodes: [NodeName]) throws {
            self.way = way
            self.host = try ProcessHost(run: "owners-\(UUID().uuidString)")
            self.recognition = try NodeRecognition(host: self.host, nodes: nodes)
            let (family, host) = way.listening
            self.listener = socket(
                family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            if way == .unix {
                let path = "/tmp/chaos-owners-\(UUID().uuidString).sock"
                self.address = path
                var name = sockaddr_un()
                name.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
                try #require(Self.bind(self.listener, &name) == 0)
            } else {
                var hints = addrinfo()
                hints.ai_flags = AI_NUMERICHOST
                hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
                var found: UnsafeMutablePointer<addrinfo>?
                try #require(getaddrinfo(host, "0", &hints, &found) == 0)
                defer { freeaddrinfo(found) }
                let info = try #require(found).pointee
                try #require(Glibc.bind(self.listener, info.ai_addr, info.ai_addrlen) == 0)
                var name = sockaddr_in6()
                var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
                let listener = self.listener
                _ = withUnsafeMutablePointer(to: &name) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        getsockname(listener, $0, &length)
                    }
                }
                self.address = String(UInt16(bigEndian: name.sin6_port))
            }
            try #require(listen(self.listener, 4096) == 0)
            // A test whose dialer does not come must fail, not hang.
            var patience = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(
                self.listener, SOL_SOCKET, SO_RCVTIMEO, &patience,
                socklen_t(MemoryLayout<timeval>.size))
        }

        private static func bind(_ socket: Int32, _ name: inout sockaddr_un) -> Int32 {
            withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }

        /// Runs a test with the nodes n1 to n3, and leaves nothing behind.
        static func with(_ way: Way, _ body: (RecognitionBench) async throws -> Void) async throws {
            let bench = try RecognitionBench(way, nodes: ["n1", "n2", "n3"])
            do { try await body(bench) } catch {
                await bench.end()
                throw error
            }
            await bench.end()
        }

        private func end() async {
            await self.host.shutdown(grace: .zero)
            // Not SIGTERM: they inherit the mask of a thread that blocks nearly everything.
            for outsider in self.outsiders.withLock({ $0 }) { kill(outsider, SIGKILL) }
            self.recognition.stop()
            close(self.listener)
            if self.way == .unix { unlink(self.address) }
        }

        // MARK: - Who dials

        /// `dial(TAG)` connects and says TAG; `run(SCRIPT, ENVIRONMENT)` becomes another program.
        private var prelude: String {
            let (family, host) = self.way.dialled
            let address =
                self.way == .unix ? "'\(self.address)'" : "('\(host)', \(self.address))"
            return """
                import os, signal, socket, sys, time, array
                def dial(tag):
                    s = socket.socket(\(family), socket.SOCK_STREAM)
                    s.connect(\(address))
                    s.sendall((tag + '\\n').encode())
                    return s
                def rest():
                    while True: signal.pause()

                """
        }

        /// The words that run a Python script.
        func words(_ script: String) -> [String] { ["python3", "-c", self.prelude + script] }

        /// Starts a process of a node, or of another family. It ends with the test.
        @discardableResult
        func start(
            _ family: String, _ script: String, input: Int32? = nil, isBare: Bool = false
        ) async throws -> HostedProcess {
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            defer { close(null) }
            let bare = isBare ? ["env", "-i", "PATH=/usr/bin:/bin"] : []
            return try await self.host.spawn(
                SpawnRequest(
                    command: bare + self.words(script), environment: ["PATH": "/usr/bin:/bin"],
                    directory: "/", streams: .init(input: input ?? null, output: null, error: 2),
                    family: family))
        }

        /// Starts a process that belongs to nobody. It ends with the test.
        @discardableResult
        func startOutside(_ script: String, input: Int32? = nil) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = self.words(script)
            process.standardInput =
                input.map {
                    FileHandle(fileDescriptor: $0, closeOnDealloc: false)
                } ?? FileHandle.nullDevice
            try process.run()
            self.outsiders.withLock { $0.append(process.processIdentifier) }
            return process.processIdentifier
        }

        // MARK: - Who is recognised

        /// Accepts a connection; the caller closes it.
        func accept() async throws -> Int32 {
            let listener = self.listener
            let (accepted, number) = await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    let accepted = Glibc.accept(listener, nil, nil)
                    continuation.resume(returning: (accepted, errno))
                }
            }
            try #require(accepted >= 0, "nobody dialled: errno \(number)")
            return accepted
        }

        /// Who opened an accepted connection.
        func recognise(_ accepted: Int32) async throws -> Opener {
            guard let socket = OpeningSocket(acceptedSocket: accepted) else {
                return .unknown("over")
            }
            return await withCheckedContinuation { continuation in
                self.recognition.recognise(socket) { continuation.resume(returning: $0) }
            }
        }

        /// Accepts one connection and recognises it.
        func next() async throws -> Seen {
            let accepted = try await self.accept()
            defer { close(accepted) }
            let opener = try await self.recognise(accepted)
            return Seen(tag: Self.line(accepted), opener: opener)
        }

        /// Accepts connections until somebody says this, and recognises him.
        func opener(saying tag: String) async throws -> Opener {
            while true {
                let seen = try await self.next()
                if seen.tag == tag { return seen.opener }
            }
        }

        /// The first line that the dialer sent.
        static func line(_ accepted: Int32) -> String {
            var text = ""
            var byte: UInt8 = 0
            while read(accepted, &byte, 1) == 1, byte != 0x0a {
                text.append(Character(UnicodeScalar(byte)))
            }
            return text
        }
    }
#endif
