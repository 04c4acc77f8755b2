import ChaosControl
import ChaosCore
import ChaosScenario
import Foundation
import Testing

@Suite("Control client")
struct ClientTests {
    @Test func cutsAndHeals() async throws {
        try await withServer { path in
            let client = try await ControlClient.connect(to: path, patience: .seconds(60))
            let partition = try Partition(parsing: "n1 / n2 n3")
            let answer = try await client.perform(
                .partition(partition, mode: .drop, ports: ["peer"], lease: .seconds(10)))
            let receipt = try InjectionReceipt(json: answer)
            #expect(receipt.injection.id == "p1")
            #expect(receipt.injection.links == ["n1->n2", "n1->n3", "n2->n1", "n3->n1"])
            #expect(answer["confirmed"] == true)
            #expect(try await client.status().partitions.map(\.id) == ["p1"])
            let ended = try EndingReceipt(json: try await client.perform(.heal("p1")))
            #expect(ended.ended == [receipt.injection])
            #expect(try await client.status().partitions.isEmpty)
            await client.close()
        }
    }

    @Test func manyRequestsAtOnceGetTheirOwnReplies() async throws {
        try await withServer { path in
            let client = try await ControlClient.connect(to: path, patience: .seconds(60))
            let texts = try await withThrowingTaskGroup(of: (String, String).self) { group in
                for _ in 0..<50 {
                    for node in ["n1", "n2", "n3"] {
                        group.addTask {
                            let pattern = try NodePattern(parsing: node)
                            let answer = try await client.perform(.process(.pause, pattern))
                            let receipt = try ProcessReceipt(json: answer)
                            return (node, receipt.nodes.map(\.name.text).joined())
                        }
                    }
                }
                var texts: [(String, String)] = []
                for try await pair in group { texts.append(pair) }
                return texts
            }
            #expect(texts.count == 150)
            #expect(texts.allSatisfy { $0.0 == $0.1 })
            await client.close()
        }
    }

    @Test func passesTheRunsErrorsOn() async throws {
        try await withServer { path in
            let client = try await ControlClient.connect(to: path, patience: .seconds(60))
            let error = await #expect(throws: CommandError.self) {
                try await client.perform(.heal("p7"))
            }
            #expect(
                error == CommandError(.notFound, "no such injection is active, found 'p7'"))
            await client.close()
        }
    }

    @Test func nobodyListening() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/control.sock"
            let error = await #expect(throws: CommandError.self) {
                _ = try await ControlClient.connect(to: path, patience: .seconds(60))
            }
            #expect(error == CommandError(.unreachable, "\(path): no run listens here"))
        }
    }

    @Test func aServerThatStopsLeavesTheOutcomeUnknown() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/control.sock"
            let run = BookkeepingRun(delay: .seconds(3600))
            let server = try await ControlServer.start(
                at: path, target: run, version: "0")
            let client = try await ControlClient.connect(to: path, patience: .seconds(60))
            let error = Task {
                await #expect(throws: CommandError.self) {
                    try await client.perform(.status())
                }
            }
            for await _ in run.performed { break }
            await server.stop()
            let seen = await error.value
            #expect(seen?.code == .disconnected)
            #expect(seen?.isOutcomeUnknown == true)
            let late = await #expect(throws: CommandError.self) {
                try await client.perform(.status())
            }
            #expect(late == CommandError(.unreachable, "the connection to the run is closed"))
        }
    }

    @Test func aSilentServerIsBusy() async throws {
        let run = BookkeepingRun(delay: .seconds(3600))
        try await withServer(for: run) { path in
            let client = try await ControlClient.connect(
                to: path, patience: .milliseconds(50))
            let error = await #expect(throws: CommandError.self) {
                try await client.perform(.status())
            }
            #expect(error?.code == .busy)
            await client.close()
        }
    }

    @Test func theStatusReadsBack() async throws {
        let run = BookkeepingRun()
        _ = try await run.perform(
            .set(
                try LinkPattern(parsing: "n1->n2"), [.delay(.init(latency: .milliseconds(5)))],
                lease: .seconds(3)))
        _ = try await run.perform(.hold([try LinkPattern(parsing: "n2->n3")], lease: nil))
        var status = run.status()
        status.links[0].isCut = true
        status.links[0].faults = [
            .init(id: "f1", text: "delay=5ms", hits: 3, touched: 9, wins: true)
        ]
        status.nodes[0].pid = nil
        status.run.seed = Seed(UInt64.max)
        #expect(try RunStatus(json: JSONValue(parsing: status.json.text)) == status)
    }

    @Test func aStatusThatLacksSomethingNamesIt() throws {
        let error = try #require(throws: CommandError.self) {
            _ = try RunStatus(json: ["run": ["name": "x", "seed": 1, "elapsed": 1.0]])
        }
        #expect(error.message == "the run's answer: run has a text 'dir'")
    }
}
