import ChaosCore
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A node that does on the network what a test tells it to, over its port `tell`, and says what came of it.
///
/// It is a Python program, not one of ours: the lab is for programs that know nothing of it.
enum LabAgent {
    static let program = """
        import json, os, socket, subprocess, sys, threading, time
        tell, port = int(sys.argv[1]), int(sys.argv[2])
        received, kept = {}, {}

        def echo(c):
            try:
                while True:
                    d = c.recv(65536)
                    if not d: break
                    c.sendall(d)
            except OSError: pass
            c.close()

        def serve(family):
            s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind(('', port)); s.listen(64)
            while True:
                c, a = s.accept(); received['peer'] = a[0]; received['end'] = '%s %d' % a[:2]
                threading.Thread(target=echo, args=(c,), daemon=True).start()

        def datagrams(family):
            s = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.bind(('', port))
            while True:
                d, a = s.recvfrom(65536)
                received.setdefault(a[0], []).append(d.decode('latin1')[:16])
                if not d.startswith(b'mute'): s.sendto(d, a)

        def address(o): return socket.getaddrinfo(o['to'], o.get('port', port), 0, socket.SOCK_STREAM)[0]

        def tcp(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f); s.settimeout(o['within']); s.connect(a); s.sendall(b'x')
            assert s.recv(1) == b'x'; s.close()

        def dial(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f); s.settimeout(o['within']); s.connect(a); s.close()

        def keep(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f); s.settimeout(o['within']); s.connect(a); kept[o['name']] = s
            s.sendall(b'x'); assert s.recv(1) == b'x'
            return {'own': '%s %d' % s.getsockname()[:2], 'peer': '%s %d' % s.getpeername()[:2]}

        def open_(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f); s.settimeout(o['within']); s.connect(a); kept[o['name']] = s

        def line(o):
            s = kept[o['name']]; s.settimeout(o['within']); s.sendall(o['text'].encode() + b'\\n')
            return s.makefile('r').readline().strip()

        def resp(o):
            if o['name'] not in kept:
                f, t, p, _, a = address(o)
                s = socket.socket(f); s.settimeout(o['within']); s.connect(a); kept[o['name']] = s
            s = kept[o['name']]; s.settimeout(o['within'])
            words = [w.encode() for w in o['words']]
            s.sendall(b'*%d\\r\\n' % len(words) + b''.join(b'$%d\\r\\n%s\\r\\n' % (len(w), w) for w in words))
            answer = s.recv(4096)
            if not answer: raise EOFError
            return answer.decode()

        def use(o):
            s = kept[o['name']]; s.settimeout(o['within']); s.sendall(b'y')
            if s.recv(1) != b'y': raise EOFError

        def udp(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f, socket.SOCK_DGRAM); s.settimeout(o['within']); s.connect(a)
            s.send(b'u'); s.recv(9)

        def send(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f, socket.SOCK_DGRAM); s.connect(a)
            for i in range(o['count']):
                s.send(b'mute%d' % i)
                if i % 20 == 19: time.sleep(0.001)

        def flood(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f, socket.SOCK_DGRAM); s.connect(a)
            def run():
                while True:
                    try: s.send(b'mute' + b'z' * 400)
                    except OSError: pass
                    time.sleep(0.0005)
            def stream():
                while True:
                    try:
                        c = socket.create_connection(a[:2], 1); c.settimeout(1)
                        while True: c.sendall(b'z' * 20000); c.recv(65536)
                    except OSError: pass
            threading.Thread(target=run, daemon=True).start()
            threading.Thread(target=stream, daemon=True).start()

        def icmp(o):
            f, t, p, _, a = address(o)
            is6 = f == socket.AF_INET6
            s = socket.socket(f, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if is6 else socket.IPPROTO_ICMP)
            s.settimeout(o['within']); s.connect(a)
            s.send((b'\\x80' if is6 else b'\\x08') + b'\\0\\0\\0\\0\\0\\0\\x01ping'); s.recv(99)

        def bulk(o):
            f, t, p, _, a = address(o)
            s = socket.socket(f); s.settimeout(o['within']); s.connect(a)
            n = o['bytes']; got = 0
            def feed():
                left = n
                while left: left -= s.send(b'z' * min(left, 65536))
            threading.Thread(target=feed, daemon=True).start()
            while got < n: got += len(s.recv(1 << 20))
            s.close()

        def identity(o):
            caps = [l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff')][0]
            return {'host': socket.gethostname(), 'uid': os.getuid(), 'caps': caps,
                    'names': {n: socket.gethostbyname(n) for n in o['names']}}

        def daemon(o):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(1000)
                os._exit(0)

        def heard(o): return received.get(o['from'], [])
        def forget(o): received.clear()

        def handle(c):
            for line in c.makefile('r'):
                o = json.loads(line); begin = time.monotonic()
                try: result = globals()[o['do']](o); out = {'result': 'ok', 'value': result}
                except socket.timeout: out = {'result': 'timeout'}
                except ConnectionRefusedError: out = {'result': 'refused'}
                except ConnectionResetError: out = {'result': 'reset'}
                except BrokenPipeError: out = {'result': 'reset'}
                except EOFError: out = {'result': 'ended'}
                except OSError as e: out = {'result': os.strerror(e.errno).lower() if e.errno else str(e)}
                out['ms'] = 1000 * (time.monotonic() - begin)
                c.sendall((json.dumps(out) + '\\n').encode())

        for f in (socket.AF_INET, socket.AF_INET6):
            threading.Thread(target=serve, args=(f,), daemon=True).start()
            threading.Thread(target=datagrams, args=(f,), daemon=True).start()
        t = socket.socket(socket.AF_INET6); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        t.bind(('', tell)); t.listen(64)
        print('listening', flush=True)
        while True:
            c, a = t.accept(); threading.Thread(target=handle, args=(c,), daemon=True).start()
        """

    /// A scenario with so many of them; their port `main` is 8000, for TCP and UDP, both families.
    static func scenario(_ nodes: Int = 2, _ more: String = "") -> String {
        """
        name: agents
        backend: lab
        nodes:
          n1..n\(nodes):
            command: python3 -u {here}/agent.py {port.tell} {port.main}
            ports: { tell: 7000, main: 8000 }
            ready: { log: listening, within: 30s }
        \(more)
        """
    }
}

/// Whether this machine can have labs, and why not.
enum LabMachine {
    /// What `chaos doctor` says is missing; nil where labs are possible.
    static let obstacle = Self.obstacle(toUser: nil)

    /// What is in an ordinary user's way.
    static let rootlessObstacle: String? =
        getuid() == 0
        ? Self.obstacle(toUser: OrdinaryUser.id) : "all other tests are an ordinary user's already"

    private static func obstacle(toUser user: UInt32?) -> String? {
        let process = Process()
        let chaos = Programs.folder.appendingPathComponent("chaos")
        process.executableURL = user == nil ? chaos : OrdinaryUser.switcher
        process.arguments =
            (user.map { OrdinaryUser.words($0) + [chaos.path] } ?? []) + ["doctor", "--json"]
        let pipe = Pipe()
        process.standardOutput = pipe
        guard (try? process.run()) != nil else { return "chaos cannot be started" }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard let json = try? JSONValue(parsing: Array(data)) else { return "no answer" }
        if json["lab"] == true { return nil }
        let missing = json["findings"]?.arrayValue?.first { $0["state"] == "missing" }
        return "\(missing?["name"]?.stringValue ?? "?"): \(missing?["finding"]?.stringValue ?? "?")"
    }

    static var isCapable: Bool { self.obstacle == nil }
}

/// Somebody without any rights, for tests that root runs.
enum OrdinaryUser {
    /// Nobody has it.
    static let id: UInt32 = 64_123

    /// setpriv(1), which becomes the command.
    static let switcher = URL(fileURLWithPath: "/usr/bin/setpriv")

    static func words(_ user: UInt32) -> [String] {
        ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"]
    }
}

/// A live run of agents.
final class LabRun: Sendable {
    /// Long enough to come through where the way is free, in seconds.
    static let aMoment = 0.3

    let directory: TestDirectory
    let process: ChaosProcess
    private let agents: [String: AgentLine]

    init(
        _ scenario: String = LabAgent.scenario(), nodes: Int = 2, user: UInt32? = nil
    ) async throws {
        self.directory = try TestDirectory(user: user)
        try self.directory.write(LabAgent.program, to: "agent.py")
        try self.directory.write(scenario, to: "agents.yaml")
        self.process = try self.directory.chaos("run", "--seed", "7", "agents.yaml")
        try await self.process.waitFor(nodes == 1 ? "1 node ready" : "\(nodes) nodes ready")
        let status = try JSONValue(
            text: try await self.directory.finished("status", "--json").out)
        var agents: [String: AgentLine] = [:]
        for node in status["nodes"]?.arrayValue ?? [] {
            let name = try #require(node["name"]?.stringValue)
            // Nodes of other kinds do as they please.
            guard let place = node["ports"]?["tell"]?["outside"]?.stringValue else { continue }
            agents[name] = try AgentLine(place)
        }
        self.agents = agents
    }

    /// Has a node do something.
    ///
    /// - Parameter within: How many seconds it may take: ``aMoment`` where nothing is to come of it.
    @discardableResult
    func tell(
        _ node: String, _ what: String, to target: String? = nil, within: Double = 10,
        _ more: JSONObject = [:]
    ) async throws -> JSONValue {
        var order: JSONObject = ["do": .string(what), "within": .double(within)]
        if let target { order["to"] = .string(target) }
        for (key, value) in more.members { order[key] = value }
        let agent = try #require(self.agents[node])
        return try await agent.ask(.object(order))
    }

    /// What came of something a node did, in one word.
    func result(
        _ node: String, _ what: String, to target: String? = nil, within: Double = 10,
        _ more: JSONObject = [:]
    ) async throws -> String {
        try await self.tell(node, what, to: target, within: within, more)["result"]?.stringValue
            ?? "?"
    }

    /// What comes of TCP, UDP and ICMP from one node to another.
    func results(
        _ node: String, to target: String, within: Double = 10
    ) async throws -> [String] {
        var all: [String] = []
        for what in ["tcp", "udp", "icmp"] {
            all.append(try await self.result(node, what, to: target, within: within))
        }
        return all
    }

    /// Steers the run with a command that must succeed.
    @discardableResult
    func chaos(_ arguments: String...) async throws -> String {
        let process = try ChaosProcess(arguments, self.directory)
        #expect(try await process.exit() == 0, "\(arguments): \(process.err)")
        return process.out
    }

    /// Ends the run and returns its result.
    func end() async throws -> JSONValue {
        try await self.chaos("end")
        _ = try await self.process.exit()
        #expect(await self.directory.hasNothingLeft())
        return try JSONValue(text: self.directory.text("\(self.directory.run())/results.json"))
    }
}

/// A connection to an agent from outside of the lab: one question, one answer, each a line.
private actor AgentLine {
    private let socket: Int32
    private var buffer: [UInt8] = []

    init(_ place: String) throws {
        let port = try #require(place.split(separator: ":").last.flatMap { UInt16($0) })
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0, "\(place) must accept")
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        self.socket = socket
    }

    deinit { close(self.socket) }

    func ask(_ order: JSONValue) throws -> JSONValue {
        let line = Array((order.text + "\n").utf8)
        let sent = send(self.socket, line, line.count, Int32(MSG_NOSIGNAL))
        try #require(sent == line.count)
        while true {
            if let end = self.buffer.firstIndex(of: UInt8(ascii: "\n")) {
                defer { self.buffer.removeSubrange(...end) }
                return try JSONValue(parsing: Array(self.buffer[..<end]))
            }
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = recv(self.socket, &bytes, bytes.count, 0)
            try #require(count > 0, "an agent must answer")
            self.buffer += bytes[..<count]
        }
    }
}
