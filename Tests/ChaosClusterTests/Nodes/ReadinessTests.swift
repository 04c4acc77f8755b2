import ChaosCluster
import ChaosCore
import ChaosScenario
import Foundation
import Testing

@Suite("Readiness of nodes")
struct ReadinessTests {
    /// The description of what `start` throws.
    private static func failure(of specs: [NodeSpec], on bench: Bench) async -> String {
        let error = await #expect(throws: NodeFailures.self) {
            try await bench.supervisor.start(specs)
        }
        return error?.description ?? ""
    }

    @Test func nodesAreReadyWhenTheirPortsAccept() async throws {
        let specs = [try server("n1"), try server("n2")]
        try await Bench.with(specs) { bench in
            try await bench.supervisor.start(specs)
            let states = await bench.supervisor.states.map { "\($0.node) \($0.state)" }
            #expect(states == ["n1 ready", "n2 ready"])
            #expect(bench.endpoint("n2").description.hasSuffix(".2.2:\(bench.port("n2"))"))
            #expect(bench.events.all.filter { $0.hasPrefix("n1") } == ["n1 starting", "n1 ready"])
            #expect(
                await eventually {
                    bench.lines.all.contains { $0.text == "listening at \(bench.endpoint("n2"))" }
                })
        }
    }

    @Test func aNodeIsReadyWhenAllItsConditionsHold() async throws {
        var spec = try server("n1")
        spec.ready = [
            .log(#"/listening at [0-9.]+:\d+/"#), .http(path: "/health", port: nil), .tcp("main"),
        ]
        try await Bench.with([spec]) { bench in
            try await bench.supervisor.start([spec])
            #expect(await bench.supervisor.state(of: "n1") == .ready)
        }
    }

    @Test func aNodeWithoutPortsIsReadyOnceItRuns() async throws {
        let spec = shell("n1", "exec sleep 1000")
        try await Bench.with([spec]) { bench in
            try await bench.supervisor.start([spec])
            #expect(await bench.supervisor.state(of: "n1") == .ready)
            let pid = try #require(await bench.supervisor.processID(of: "n1"))
            // While the shell becomes another program it shows no environment.
            #expect(await eventually { ProcessScan.carrying(bench.marker) == [pid.rawValue] })
        }
    }

    @Test func whoIsNotReadyInTimeIsNamedWithItsLastLines() async throws {
        var silent = NodeSpec(
            name: "n1", command: .words(["sh", "-c", "echo one; echo two >&2; exec sleep 1000"]))
        var failing = try server("n2", status: 503)
        failing.ready = [.http(path: "/health", port: "main")]
        var mute = shell("n3", "exec sleep 1000")
        mute.ready = [.log("/ready|up/")]
        for number in [0, 1, 2] {
            let limit = Duration.milliseconds(300)
            if number == 0 { silent.readyWithin = limit }
            if number == 1 { failing.readyWithin = limit }
            if number == 2 { mute.readyWithin = limit }
        }
        let specs = [silent, failing, mute]
        try await Bench.with(specs) { bench in
            let text = await Self.failure(of: specs, on: bench)
            let lines = text.split(separator: "\n").map(String.init)
            let (first, second) = (bench.endpoint("n1"), bench.endpoint("n2"))
            #expect(
                lines == [
                    "n1: port 'main' must accept connections at \(first) within 300ms, "
                        + "found 'connection refused'",
                    "its last lines:",
                    "  | \(lines[2].hasSuffix("one") ? "one" : "two")",
                    "  | \(lines[2].hasSuffix("one") ? "two" : "one")",
                    "n2: GET /health at \(second) must answer 200 within 300ms, "
                        + "found 'status 503'",
                    "its last lines:",
                    "  | listening at \(second)",
                    "n3: a line of its output must match '/ready|up/' within 300ms, "
                        + "found 'no such line'",
                ])
            // A timeout is not a death: the nodes stay.
            #expect(await bench.supervisor.state(of: "n1") == .starting)
        }
    }

    @Test func whoEndsBeforeItIsReadyIsNamedWithItsLastLines() async throws {
        let spec = NodeSpec(
            name: "n1", command: .words(["sh", "-c", "echo config.toml: no such file; exit 3"]))
        try await Bench.with([spec]) { bench in
            let text = await Self.failure(of: [spec], on: bench)
            #expect(
                text == """
                    n1: port 'main' must accept connections at \(bench.endpoint("n1")) within 10s, \
                    found that it exited with 3
                    its last lines:
                      | config.toml: no such file
                    """)
            #expect(await bench.supervisor.state(of: "n1") == .exited(.exited(3)))
        }
    }

    @Test func commandsThatCannotStartAreAllNamedAtOnce() async throws {
        var first = shell("n1", "")
        first.command = .text("no-such-program --id {node}")
        var second = shell("n2", "")
        second.command = .text("sleep {pers}")
        var third = shell("n3", "")
        third.directory = "{dir}/gone"
        var fourth = shell("n4", "")
        fourth.ready = [.log("/(/")]
        try await Bench.with([first, second, third, fourth]) { bench in
            let text = await Self.failure(of: [first, second, third, fourth], on: bench)
            #expect(
                text == """
                    n1: the program must be in PATH, found 'no-such-program'
                    n2: a placeholder must be known, found '{pers}'
                    hint: did you mean 'peers'? A brace by itself is written '{{'
                    n3: the working directory must exist, \
                    found '\(bench.directory.path)/nodes/n3/gone'
                    n4: a log pattern is a text, or a regular expression between slashes, \
                    found '/(/'
                    """)
            #expect(await bench.supervisor.state(of: "n1") == .unstarted)
        }
    }

    #if os(Linux)
        @Test func aNodeThatBindsEveryAddressIsToldWhatHelps() async throws {
            let spec = try server("n1", at: "0.0.0.0")
            try await Bench.with([spec]) { bench in
                // What a proxy of the run would hold.
                let network = bench.endpoint("n1").description.split(separator: ".")[1]
                let proxy = try Listener(host: "127.\(network).0.1", port: bench.port("n1"))
                let text = await Self.failure(of: [spec], on: bench)
                #expect(
                    text == """
                        n1: port 'main' must accept connections at \(bench.endpoint("n1")) \
                        within 10s, found that it exited with 1
                        hint: a node that cannot listen at {listen} alone needs  addressing: ports
                        its last lines:
                          | bind: Address already in use
                        """)
                withExtendedLifetime(proxy) {}
            }
        }

        @Test func aNodeThatListensElsewhereIsFoundThere() async throws {
            var spec = try server("n1", at: "127.0.77.1")
            spec.readyWithin = .seconds(2)
            try await Bench.with([spec]) { [spec] bench in
                let text = await Self.failure(of: [spec], on: bench)
                let port = bench.port("n1")
                #expect(
                    text == """
                        n1: port 'main' must accept connections at \(bench.endpoint("n1")) \
                        within 2s, found 'connection refused'
                        hint: it listens at 127.0.77.1:\(port); \
                        a node that cannot listen at {listen} alone needs  addressing: ports
                        its last lines:
                          | listening at 127.0.77.1:\(port)
                        """)
            }
        }
    #endif
}

/// A socket that listens until it is dropped.
final class Listener {
    private let socket: Int32

    init(host: String, port: UInt16) throws {
        self.socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0 && listen(self.socket, 8) == 0)
    }

    deinit { close(self.socket) }
}
