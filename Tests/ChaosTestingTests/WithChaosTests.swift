import ChaosTesting
import Foundation
import Testing

/// ``withChaos`` as a test of Swift Testing uses it.
@Suite(.serialized) struct WithChaosTests {
    @Test func aBodyTalksToANodeThroughTheNetworkAndNothingStaysBehind() async throws {
        var pid: Int?
        let verdict = try await withChaos(scenario: echoScenario(), seed: 42) { cluster in
            #expect(cluster.nodes == ["n1"])
            #expect(cluster.seed == 42)
            let address = try await cluster.address(of: "n1")
            #expect(address.description == "\(address.host):\(address.port)")
            let client = try await LineClient(host: address.host, port: address.port)
            let reply = try await client.echo("hello")
            #expect(reply?.contains(#""echo":"hello""#) == true)
            let status = try await cluster.status()
            #expect(status["n1"]?.state == "running")
            #expect(status.links.first { $0.name == "client->n1:main" }?.connections == 1)
            pid = status["n1"]?.pid
            #expect(FileManager.default.fileExists(atPath: cluster.runDirectory))
        }
        #expect(verdict.kind == .notChecked)
        #expect(verdict.seed == 42)
        #expect(isGone(try #require(pid)))
        #expect(!FileManager.default.fileExists(atPath: verdict.runDirectory))
    }

    @Test func aCutResetsConnectionsAndHealLetsThemBeMadeAgain() async throws {
        let verdict = try await withChaos(scenario: echoScenario()) { cluster in
            let address = try await cluster.address(of: "n1", port: "main")
            let before = try await LineClient(host: address.host, port: address.port)
            #expect(try await before.echo("1") != nil)
            let cut = try await cluster.partition("client / n1", mode: .reject)
            #expect(cut.id == "p1")
            #expect(cut.connections == 1)
            #expect(try await cluster.status().injections == ["p1: client / n1"])
            #expect(try await before.echo("2") == nil)
            await #expect(throws: LineClient.Failure.self) {
                _ = try await LineClient(host: address.host, port: address.port)
            }
            try await cluster.heal(cut)
            let after = try await LineClient(host: address.host, port: address.port)
            #expect(try await after.echo("3") != nil)
        }
        #expect(verdict.faults.map(\.id) == ["p1"])
        #expect((verdict.faults.first?.hits ?? 0) > 0)
        #expect(verdict.faults.first?.crossedBytes == 0)
    }

    @Test func faultsOnALinkActAndAreCleared() async throws {
        try await withChaos(scenario: echoScenario()) { cluster in
            let address = try await cluster.address(of: "n1")
            let client = try await LineClient(host: address.host, port: address.port)
            #expect(try await client.echo("1") != nil)
            let fault = try await cluster.set("client->n1", "loss=100%")
            #expect(fault.text == "client->n1 loss 100%")
            #expect(try await client.echo("2") == nil)
            try await cluster.clear(link: "client->n1")
            #expect(try await client.echo("3") != nil)
            #expect(try await cluster.status().injections.isEmpty)
        }
    }

    @Test func aFaultThatTouchedNothingThrowsWithTheSeedThatRepeatsIt() async throws {
        let error = await #expect(throws: ChaosFailure.self) {
            try await withChaos(scenario: echoScenario(), seed: 7) { cluster in
                try await cluster.partition("client / n1", mode: .reject)
            }
        }
        let failure = try #require(error)
        #expect(
            failure.description.hasPrefix(
                """
                echo: the verdict is unknown
                  p1 touched nothing: client / n1
                run directory: /
                """))
        #expect(
            failure.description.hasSuffix("\nrepeat it with: withChaos(scenario: …, seed: 7) { … }")
        )
        let directory = try #require(failure.verdict?.runDirectory)
        #expect(FileManager.default.fileExists(atPath: directory + "/journal.jsonl"))
        try FileManager.default.removeItem(
            at: URL(fileURLWithPath: directory).deletingLastPathComponent())
    }

    @Test func anUnknownVerdictIsReturnedWhereTheTestAcceptsIt() async throws {
        let verdict = try await withChaos(scenario: echoScenario(), accepting: .unknown) {
            try await $0.partition("client / n1", mode: .reject)
        }
        #expect(verdict.kind == .unknown)
        #expect(verdict.reasons == ["p1 touched nothing: client / n1"])
    }

    @Test func anErrorOfTheBodyComesThroughAndEverythingIsTornDown() async throws {
        struct Mistake: Error {}
        var pid: Int?
        var directory: String?
        await #expect(throws: Mistake.self) {
            try await withChaos(scenario: echoScenario()) { cluster in
                pid = try await cluster.status()["n1"]?.pid
                directory = cluster.runDirectory
                throw Mistake()
            }
        }
        #expect(isGone(try #require(pid)))
        let folder = URL(fileURLWithPath: try #require(directory)).deletingLastPathComponent()
        #expect(!FileManager.default.fileExists(atPath: directory! + "/control.sock"))
        try FileManager.default.removeItem(at: folder)
    }

    @Test func aTestThatIsCancelledLeavesNothingBehind() async throws {
        let (started, start) = AsyncStream<(pid: Int, directory: String)>.makeStream()
        let test = Task {
            try await withChaos(scenario: echoScenario()) { cluster in
                start.yield((try await cluster.status()["n1"]?.pid ?? 0, cluster.runDirectory))
                try await Task.sleep(for: .seconds(1000))
            }
        }
        var seen: (pid: Int, directory: String)?
        for await item in started {
            seen = item
            break
        }
        test.cancel()
        await #expect(throws: CancellationError.self) { try await test.value }
        let (pid, directory) = try #require(seen)
        #expect(isGone(pid))
        #expect(!FileManager.default.fileExists(atPath: directory + "/control.sock"))
        try FileManager.default.removeItem(
            at: URL(fileURLWithPath: directory).deletingLastPathComponent())
    }

    @Test func twoRunsGoOnAtOnceAndARunInsideAnother() async throws {
        async let other = withChaos(scenario: echoScenario()) { try await Self.talk(to: $0) }
        try await withChaos(scenario: echoScenario()) { outer in
            try await withChaos(scenario: echoScenario()) { inner in
                #expect(inner.runDirectory != outer.runDirectory)
                let (one, two) = (
                    try await inner.address(of: "n1"), try await outer.address(of: "n1")
                )
                #expect(one != two)
                try await Self.talk(to: inner)
            }
            try await Self.talk(to: outer)
        }
        #expect(try await other.kind == .notChecked)
    }

    private static func talk(to cluster: LiveCluster) async throws {
        let address = try await cluster.address(of: "n1")
        let client = try await LineClient(host: address.host, port: address.port)
        #expect(try await client.echo("hello") != nil)
    }

    @Test func processesAreKilledPausedAndRestartedAndTheirLinesAwaited() async throws {
        let scenario = """
            name: lines
            nodes:
              n1: { command: ["sh", "-c", "echo started as $$; exec chaos-node echo"] }
            """
        try await withChaos(scenario: scenario) { cluster in
            let first = try await cluster.waitForLog("started", node: "n1")
            let pid = try #require(try await cluster.status()["n1"]?.pid)
            #expect(first.text == "started as \(pid)")
            try await cluster.pause("n1")
            #expect(try await cluster.status()["n1"]?.state == "paused")
            try await cluster.resume("n1")
            try await cluster.kill("n1")
            #expect(isGone(pid))
            #expect(try await cluster.status()["n1"]?.state == "killed")
            try await cluster.restart("n1")
            let second = try await cluster.waitForLog("/started as [0-9]+/", after: first)
            #expect(second.text != first.text)
            #expect(try await cluster.status()["n1"]?.restarts == 1)
            let late = await #expect(throws: ChaosFailure.self) {
                try await cluster.waitForLog("never", within: .milliseconds(50))
            }
            #expect(
                late?.description
                    == "a node must write a line that matches 'never' within 50ms, found none")
        }
    }

    @Test func aNodeThatDiesFailsTheTestByName() async throws {
        let error = await #expect(throws: ChaosFailure.self) {
            try await withChaos(scenario: echoScenario()) { cluster in
                let pid = try #require(try await cluster.status()["n1"]?.pid)
                kill(pid_t(pid), SIGKILL)
                while try await cluster.status()["n1"]?.state != "died" {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        }
        let failure = try #require(error)
        #expect(failure.description.contains("\n  n1 died: ended by SIGKILL\n"))
        let directory = try #require(failure.verdict?.runDirectory)
        try FileManager.default.removeItem(
            at: URL(fileURLWithPath: directory).deletingLastPathComponent())
    }

    @Test func aWorkloadIsJudgedWhenTheBodyReturns() async throws {
        let scenario = echoScenario(
            nodes: 2, "workload: { kind: echo, rate: 50/s, for: 300ms }\nchecks: [echo]")
        let verdict = try await withChaos(scenario: scenario) { await $0.waitForWorkload() }
        #expect(verdict.kind == .valid)
    }

    @Test func mistakesOfAScenarioComeWithLineAndColumn() async throws {
        let error = await #expect(throws: ChaosFailure.self) {
            try await withChaos(scenario: echoScenario("chekcs: []")) { _ in }
        }
        #expect(error?.description.hasPrefix("scenario:6:1: ") == true)
        let missing = await #expect(throws: ChaosFailure.self) {
            try await withChaos(scenario: "no/such.yaml") { _ in }
        }
        #expect(missing?.description == "no/such.yaml: there is no such file")
    }

    @Test func aNodeThatCannotStartIsToldBeforeTheBodyRuns() async throws {
        let scenario = """
            name: broken
            nodes:
              n1: { command: "no-such-program-at-all" }
            """
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("chaos-test-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let error = await #expect(throws: ChaosFailure.self) {
            try await withChaos(scenario: scenario, runsFolder: folder.path) { _ in
                Issue.record("the body ran")
            }
        }
        let failure = try #require(error)
        #expect(failure.description.contains("no-such-program-at-all"))
        #expect(failure.verdict == nil)
    }

    @Test func whatIsAskedOfTheWrongNodeIsRefusedWithAHint() async throws {
        try await withChaos(scenario: echoScenario(nodes: 2)) { cluster in
            let error = await #expect(throws: ChaosFailure.self) {
                try await cluster.kill("n9")
            }
            #expect(
                error?.description
                    == "a node is one of the run's, found 'n9'\nhint: known are n1, n2")
            let address = await #expect(throws: ChaosFailure.self) {
                _ = try await cluster.address(of: "n1", port: "peer")
            }
            #expect(
                address?.description
                    == "a port is one of the node's, found 'peer'\nhint: known are main")
        }
    }
}
