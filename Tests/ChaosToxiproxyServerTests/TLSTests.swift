import ChaosCore
import ChaosProxy
import Foundation
import Testing

/// TLS on either side of a proxy, with Python's `ssl` as client and server, and a CA of our own.
@Suite("TLS (upstream #472, #286, #262)", .serialized)
struct TLSTests {
    /// A CA, made when the tests begin, and what it signed.
    private struct Authority {
        let folder: String

        init() throws {
            self.folder = "/tmp/chaos-tls-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(
                atPath: self.folder, withIntermediateDirectories: false)
            for name in ["ca", "other"] {
                try self.openssl(
                    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
                        + "-subj /CN=\(name) -keyout \(name).key -out \(name).pem")
            }
            for name in ["front.test", "back.test"] {
                try self.openssl(
                    "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=\(name) "
                        + "-addext subjectAltName=DNS:\(name),DNS:both.test -keyout \(name).key "
                        + "-out \(name).csr")
                try self.openssl(
                    "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial "
                        + "-copy_extensions copy -in \(name).csr -out \(name).pem")
            }
        }

        func path(_ name: String) -> String { "\(self.folder)/\(name)" }

        func file(_ name: String) -> JSONValue { .string(self.path(name)) }

        private func openssl(_ arguments: String) throws {
            let result = try Programs.run(
                URL(fileURLWithPath: "/usr/bin/env"),
                ["-C", self.folder, "openssl"] + arguments.split(separator: " ").map(String.init))
            try #require(result.code == 0, "\(result.errors)")
        }

        func remove() { try? FileManager.default.removeItem(atPath: self.folder) }
    }

    /// Serves TLS: reads until a newline or the end, then answers with what it saw.
    private static let server = """
        import socket, ssl, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        if len(sys.argv) > 3:
            context.load_verify_locations(sys.argv[3])
            context.verify_mode = ssl.CERT_REQUIRED
        asked = []
        context.sni_callback = lambda s, name, c: asked.append(name) and None
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        while True:
            raw, _ = listener.accept()
            try:
                asked.clear()
                peer = context.wrap_socket(raw, server_side=True)
                got = b""
                while not got.endswith(b"\\n"):
                    more = peer.recv(65536)
                    if not more: break
                    got += more
                body = ("asked=%s got=%s" % (asked and asked[0], got.decode().strip().split("\\r")[0])).encode()
                peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
                peer.unwrap()
            except (OSError, ssl.SSLError) as error:
                print(error, file=sys.stderr)
            raw.close()
        """

    /// Speaks TLS: asks and prints what comes, or why nothing does.
    private static let client = """
        import socket, ssl, sys
        port, ca, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
        context = ssl.create_default_context(cafile=ca)
        if len(sys.argv) > 4: context.load_cert_chain(sys.argv[4], sys.argv[5])
        try:
            with socket.create_connection(("127.0.0.1", port)) as raw:
                with context.wrap_socket(raw, server_hostname=name) as peer:
                    peer.sendall(b"GET /hello HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
                    got = b""
                    while True:
                        more = peer.recv(65536)
                        if not more: break
                        got += more
                        if b"\\r\\n\\r\\n" in got and b"Content-Length: %d" % len(got.split(b"\\r\\n\\r\\n", 1)[1]) in got: break
                    print(got.decode().split("\\r\\n\\r\\n", 1)[-1])
        except (OSError, ssl.SSLError) as error:
            print("failed", type(error).__name__)
        """

    private func ask(
        _ port: UInt16, _ ca: Authority, name: String, with arguments: [String] = []
    ) throws -> String {
        let result = try Programs.run(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["python3", "-c", Self.client, String(port), ca.path("ca.pem"), name] + arguments)
        #expect(result.errors == "")
        return result.output.trimmingCharacters(in: .newlines)
    }

    /// Runs a body with a CA, a TLS server on a port, and a world.
    private func with(
        _ driver: ProxyDriverKind, clientCA: Bool = false,
        _ body: (World, Authority, UInt16) async throws -> Void
    ) async throws {
        let ca = try Authority()
        defer { ca.remove() }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["python3", "-c", Self.server, ca.path("back.test.pem"), ca.path("back.test.key")]
            + (clientCA ? [ca.path("ca.pem")] : [])
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Started on a thread of tasks, it has that thread's mask, in which SIGTERM is blocked.
        defer { kill(process.processIdentifier, SIGKILL) }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(UInt16(line.trimmingCharacters(in: .newlines)))
        try await World.with(driver) { try await body($0, ca, port) }
    }

    private func makeProxy(
        _ world: World, to port: UInt16, tls: JSONValue, name: String = "p",
        expecting status: Int = 201
    ) async throws -> JSONValue {
        try await world.ask(
            "POST", "proxies",
            [
                "name": .string(name), "listen": "127.0.0.1:0",
                "upstream": .string("127.0.0.1:\(port)"), "tls": tls,
            ], expecting: status)
    }

    @Test(
        "ended and begun anew: the name is kept, and toxics act on what is inside",
        arguments: ProxyDriverKind.available)
    func bothSides(_ driver: ProxyDriverKind) async throws {
        try await self.with(driver) { world, ca, upstream in
            let proxy = try await self.makeProxy(
                world, to: upstream,
                tls: [
                    "listen": [
                        "certificate": ca.file("front.test.pem"), "key": ca.file("front.test.key"),
                    ],
                    "upstream": ["ca": ca.file("ca.pem")],
                ])
            #expect(proxy["tls"]?["upstream"]?["verify"] == true)
            let port = try World.port(of: proxy)
            let answer = "asked=both.test got=GET /hello HTTP/1.1"
            #expect(try self.ask(port, ca, name: "both.test") == answer)
            // The client's name is kept, so a server that is somebody else is found out.
            // Python takes a reset inside TLS for an end, or not.
            let refused = try self.ask(port, ca, name: "front.test")
            #expect(["", "failed ConnectionResetError"].contains(refused))
            try await world.addToxic("http", to: "p", name: "t", ["status": 418, "body": "tea"])
            #expect(try self.ask(port, ca, name: "both.test") == "tea")
            try await world.ask("DELETE", "proxies/p/toxics/t", expecting: 204)
            try await world.addToxic("limit_data", to: "p", name: "t", ["bytes": 50])
            #expect(try self.ask(port, ca, name: "both.test") == "asked=both.")
            // A plain proxy beside it stays on the driver it had.
            let plain = try await world.makeProxy("plain", to: upstream)
            #expect(try self.ask(plain, ca, name: "back.test").hasPrefix("asked=back.test"))
        }
    }

    @Test("a plain client reaches a server with TLS, and its end goes through")
    func begins() async throws {
        try await self.with(.nio, clientCA: true) { world, ca, upstream in
            var tls: JSONObject = [
                "ca": ca.file("ca.pem"), "server_name": "back.test",
                "certificate": ca.file("front.test.pem"), "key": ca.file("front.test.key"),
            ]
            let proxy = try await self.makeProxy(
                world, to: upstream, tls: ["upstream": .object(tls)])
            let client = try await Socket.connect(try World.port(of: proxy))
            try await client.send("no newline")
            client.finish()
            let (bytes, end) = await client.receive()
            #expect(
                String(decoding: bytes, as: UTF8.self).hasSuffix("asked=back.test got=no newline"))
            #expect(end == .finished)
            // A server that another CA signed is none that is meant.
            tls["ca"] = ca.file("other.pem")
            try await world.ask("PATCH", "proxies/p", ["tls": ["upstream": .object(tls)]])
            let changed = try await world.ask("GET", "proxies/p")
            let second = try await Socket.connect(try World.port(of: changed))
            #expect(await second.end() == .failed(ECONNRESET))
            tls["verify"] = false
            try await world.ask("PATCH", "proxies/p", ["tls": ["upstream": .object(tls)]])
            let third = try await Socket.connect(
                try World.port(of: try await world.ask("GET", "proxies/p")))
            try await third.send("x\n")
            #expect(await third.receive().end == .finished)
            // Without TLS it is a proxy like others.
            let plain = try await world.ask("PATCH", "proxies/p", ["tls": [:]])
            #expect(plain["tls"] == nil)
        }
    }

    @Test("clients must show certificates where they are asked for", arguments: [true, false])
    func clients(_ hasCertificate: Bool) async throws {
        let ca = try Authority()
        defer { ca.remove() }
        try await World.with(.nio) { world in
            let (listener, upstream) = try Socket.listen()
            let proxy = try await self.makeProxy(
                world, to: upstream,
                tls: [
                    "listen": [
                        "certificate": ca.file("front.test.pem"), "key": ca.file("front.test.key"),
                        "client_ca": ca.file("ca.pem"),
                    ]
                ])
            let port = try World.port(of: proxy)
            let files = ["front.test.pem", "front.test.key"].map { ca.path($0) }
            if hasCertificate {
                async let answering: Void = {
                    let server = try await listener.accept()
                    #expect(await server.text(4) == "GET ")
                    try await server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }()
                #expect(try self.ask(port, ca, name: "front.test", with: files) == "ok")
                try await answering
            } else {
                #expect(try self.ask(port, ca, name: "front.test").hasPrefix("failed"))
            }
        }
    }

    @Test("files that do not fit are told, and nothing is left behind")
    func mistakes() async throws {
        let ca = try Authority()
        defer { ca.remove() }
        try await World.with(.nio) { world in
            func refusal(_ tls: JSONValue) async throws -> String? {
                let answer = try await self.makeProxy(world, to: 1, tls: tls, expecting: 400)
                return answer["error"]?.stringValue
            }
            let certificate = ca.file("front.test.pem")
            #expect(
                try await refusal(["listen": ["certificate": "/nope.pem", "key": "/nope.key"]])
                    == "invalid tls certificate must be a file of certificates in PEM, "
                    + "found '/nope.pem'")
            #expect(
                try await refusal(["listen": ["certificate": certificate, "key": certificate]])
                    == "invalid tls key must be a file of a private key in PEM, "
                    + "found '\(ca.path("front.test.pem"))'")
            #expect(
                try await refusal([
                    "listen": ["certificate": certificate, "key": ca.file("back.test.key")]
                ]) == "invalid tls key must belong to the certificate "
                    + "'\(ca.path("front.test.pem"))', found '\(ca.path("back.test.key"))'")
            #expect(
                try await refusal(["listen": ["certificate": certificate]])
                    == "invalid tls: listen needs a certificate and a key")
            #expect(
                try await refusal(["upstream": ["verfy": false]])
                    == "invalid tls: upstream has ca, server_name, verify, certificate, key, "
                    + "found 'verfy'")
            #expect(
                try await refusal(["upstream": ["verify": "no"]])
                    == "invalid tls: upstream verify must be true or false, found string")
            #expect(try await refusal(true) == "invalid tls: tls must be an object, found bool")
            let proxies = try await world.ask("GET", "proxies")
            #expect(proxies == [:])
        }
    }
}
