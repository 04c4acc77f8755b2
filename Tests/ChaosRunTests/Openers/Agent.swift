#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import Foundation
    import OrderedCollections
    import Synchronization
    import Testing

    /// A real process that listens, dials and talks as it is told, and says what happens.
    ///
    /// `dial ID ADDRESS TEXT` connects and sends a line, `say ID TEXT` sends another one, `close ID` ends.
    /// It says `ID got LINE` and, when it has ended or could not be, `ID over`. Its listener answers each line with its own name,
    /// the line, and the address from which it sees the dialer.
    final class Agent: Sendable {
        let name: NodeName
        let process: HostedProcess
        private let input: FileHandle
        private let said = Mutex<[String]>([])

        private static let script = """
            import os, queue, socket, sys, threading
            name, listen = sys.argv[1:3]
            def place(text):
                if text.startswith('/'): return socket.AF_UNIX, text
                host, port = text.rsplit(':', 1)
                host = host.strip('[]')
                return (socket.AF_INET6 if ':' in host else socket.AF_INET), (host, int(port))
            def tell(text):
                sys.stdout.write(text + '\\n')
                sys.stdout.flush()
            def answer(c, a):
                try:
                    f = c.makefile('rb')
                    for line in f:
                        where = a[0] if isinstance(a, tuple) else 'local'
                        c.sendall(name.encode() + b' ' + line.strip() + b' ' + where.encode() + b'\\n')
                except OSError: pass
                c.close()
            def accept(s):
                while True:
                    c, a = s.accept()
                    threading.Thread(target=answer, args=(c, a), daemon=True).start()
            connections = {}
            def read(tag, c):
                try:
                    for line in c.makefile('rb'): tell(tag + ' got ' + line.decode(errors='replace').strip())
                except OSError: pass
                c.close()
                tell(tag + ' over')
            def dial(tag, address, words):
                family, where = place(address)
                c = socket.socket(family, socket.SOCK_STREAM)
                try: c.connect(where)
                except OSError: return tell(tag + ' over')
                threading.Thread(target=read, args=(tag, c), daemon=True).start()
                try:
                    while True:
                        word = words.get()
                        if word is None: return c.shutdown(socket.SHUT_RDWR)
                        c.sendall(word.encode() + b'\\n')
                except OSError: pass
            if listen != '-':
                family, where = place(listen)
                if family == socket.AF_UNIX and os.path.exists(where): os.unlink(where)
                s = socket.socket(family, socket.SOCK_STREAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(where)
                s.listen(64)
                threading.Thread(target=accept, args=(s,), daemon=True).start()
            tell('ready')
            for line in sys.stdin:
                verb, tag, *rest = line.split()
                if verb == 'dial':
                    connections[tag] = queue.Queue()
                    threading.Thread(target=dial, args=(tag, rest.pop(0), connections[tag]), daemon=True).start()
                connections[tag].put(rest[0] if rest else None)
            """

        init(_ name: NodeName, at listen: Endpoint?, on host: ProcessHost) async throws {
            self.name = name
            let (input, output) = (Pipe(), Pipe())
            let place = listen.map { endpoint in
                if case .unix(let path) = endpoint { return path }
                return endpoint.description
            }
            self.process = try await host.spawn(
                SpawnRequest(
                    command: ["python3", "-c", Self.script, name.text, place ?? "-"],
                    environment: ["PATH": "/usr/bin:/bin"], directory: "/",
                    streams: .init(
                        input: input.fileHandleForReading.fileDescriptor,
                        output: output.fileHandleForWriting.fileDescriptor, error: 2),
                    family: name == .client ? "command" : name.text))
            try input.fileHandleForReading.close()
            try output.fileHandleForWriting.close()
            self.input = input.fileHandleForWriting
            let reading = output.fileHandleForReading
            Thread.detachNewThread { [weak self] in
                var rest: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = read(reading.fileDescriptor, &buffer, buffer.count)
                    if count <= 0 { return }
                    rest += buffer[..<count]
                    while let end = rest.firstIndex(of: 0x0a) {
                        let line = String(decoding: rest[..<end], as: UTF8.self)
                        rest.removeFirst(end + 1)
                        self?.said.withLock { $0.append(line) }
                    }
                }
            }
            try await self.waitFor("ready")
        }

        /// Tells the process to do something.
        func tell(_ line: String) throws {
            try self.input.write(contentsOf: Data("\(line)\n".utf8))
        }

        /// Dials an address and says something.
        func dial(_ tag: String, _ address: Endpoint, _ text: String) throws {
            if case .unix(let path) = address {
                return try self.tell("dial \(tag) \(path) \(text)")
            }
            try self.tell("dial \(tag) \(address) \(text)")
        }

        /// Whether it has said something.
        func hasSaid(_ line: String) -> Bool { self.said.withLock { $0.contains(line) } }

        /// What it has said about a connection.
        func heard(on tag: String) -> [String] {
            self.said.withLock { $0.filter { $0.hasPrefix(tag + " ") } }
        }

        /// Waits until it has said something; so long is for machines that do much else.
        func waitFor(
            _ line: String, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let deadline = ContinuousClock.now + .seconds(15)
            while !self.hasSaid(line) {
                if ContinuousClock.now > deadline {
                    let all = self.said.withLock { $0 }
                    Issue.record(
                        "\(self.name) never said '\(line)', but \(all.suffix(8))",
                        sourceLocation: sourceLocation)
                    throw CancellationError()
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
#endif
