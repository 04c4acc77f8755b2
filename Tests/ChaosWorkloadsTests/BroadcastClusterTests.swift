import ChaosCheckers
import ChaosCore
import Synchronization
import Testing

@testable import ChaosWorkloads

@Suite("Broadcast clusters over TCP", .timeLimit(.minutes(2)))
struct BroadcastClusterTests {
    private func makeContext(_ cluster: TestCluster, seed: UInt64 = 1) async -> WorkloadContext {
        let origin = ContinuousClock.now
        let now: @Sendable () -> Instant = { .start + (ContinuousClock.now - origin) }
        return WorkloadContext(
            nodes: await cluster.addresses, seed: Seed(seed), recorder: HistoryRecorder(now: now),
            now: now)
    }

    private func settings(rate: Int = 200, milliseconds: Int = 400) -> LoadSettings {
        var settings = LoadSettings()
        settings.rate = EventRate(perSecond: rate)
        settings.duration = .milliseconds(milliseconds)
        return settings
    }

    /// Half broadcasts, half reads, on a grid.
    private func broadcast(_ settings: LoadSettings) throws -> any Workload {
        try makeWorkload(
            kind: "broadcast",
            parameters: [
                "rate": .string(settings.rate.text), "for": .string(settings.duration.text),
            ])
    }

    /// Waits until a condition holds, for at most ten seconds.
    private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Adds a number on a node, recorded in the history.
    private func add(_ number: Int64, on node: Int, _ context: WorkloadContext) async throws -> Bool
    {
        let request = PlannedRequest(
            function: "broadcast", argument: .int(number),
            body: ["type": "broadcast", "message": .int(number)], replyType: "broadcast_ok",
            result: { _ in .int(number) })
        let client = try await Client.make(name: "c9", node: context.nodes[node])
        let end = await context.perform(request, by: client)
        await client.close()
        return end.kind == .ok
    }

    /// What a node knows, read without leaving a trace in the history.
    private func read(_ node: Int, _ context: WorkloadContext) async throws -> [Int64] {
        let client = try await Client.make(name: "c8", node: context.nodes[node])
        let outcome = await client.request(["type": "read"], timeout: .seconds(5))
        await client.close()
        guard case .reply(let body) = outcome else { return [] }
        return (body["messages"]?.arrayValue ?? []).compactMap(\.intValue).sorted()
    }

    @Test(arguments: ["naive", "retry", "gossip"])
    func everyVariantIsValidWithoutFaults(variant: String) async throws {
        let cluster = try await TestCluster("broadcast", variant, nodes: 5)
        let context = await self.makeContext(cluster)
        let workload = try self.broadcast(self.settings())
        try await workload.runLoad(context)
        // The load ends when the last answer is there; what nodes tell one another may take longer.
        let added = context.recorder.history.invocations
            .filter { $0.begin.function == "broadcast" && $0.outcome == .ok }.count
        #expect(added > 10)
        let isSettled = try await self.eventually {
            for node in 0..<5 where try await self.read(node, context).count < added {
                return false
            }
            return true
        }
        #expect(isSettled)
        try await workload.runFinalReads(context)
        let finding = SetFullChecker().check(context.recorder.history)
        #expect(finding.verdict == .valid, "\(finding)")
        #expect(finding.statistics["final_read_count"] == 5)
        let available = AvailabilityChecker(minimum: .one).check(context.recorder.history)
        #expect(available.verdict == .valid, "\(available)")
        await cluster.stop()
    }

    /// The kill shot of S03c: one broadcast on each side of a cut, then heal.
    @Test(arguments: [
        ("naive", Verdict.invalid, ["lost"]), ("retry", .valid, []), ("gossip", .valid, []),
    ])
    func onlyNaiveLosesWhatAPartitionHeldUp(
        variant: String, verdict: Verdict, anomalies: [String]
    ) async throws {
        let cluster = try await TestCluster("broadcast", variant, nodes: 3)
        let context = await self.makeContext(cluster)
        // Everybody talks to everybody before the cut begins.
        #expect(try await self.add(1, on: 0, context))
        #expect(
            try await self.eventually {
                let known = [try await self.read(1, context), try await self.read(2, context)]
                return known == [[1], [1]]
            })
        await cluster.partition(["n1"], ["n2", "n3"])
        #expect(try await self.add(2, on: 0, context))
        #expect(try await self.add(3, on: 2, context))
        // One message from n1 to each of the others, and one back from each of them. No fewer:
        // what is still on its way when the cut heals is not lost.
        #expect(try await self.eventually { await cluster.lostCount >= 4 })
        #expect(try await self.read(0, context) == [1, 2])
        await cluster.heal()
        // The links carry messages again: a new number arrives everywhere in all variants.
        #expect(try await self.add(4, on: 0, context))
        let isSettled = try await self.eventually {
            for node in 0..<3 {
                let known = try await self.read(node, context)
                if verdict == .valid ? known != [1, 2, 3, 4] : !known.contains(4) { return false }
            }
            return true
        }
        #expect(isSettled)
        try await self.broadcast(self.settings()).runFinalReads(context)
        let finding = SetFullChecker().check(context.recorder.history)
        #expect(finding.verdict == verdict, "\(finding)")
        #expect(finding.anomalies == anomalies)
        if verdict == .invalid { #expect(finding.statistics["lost"] == [2, 3]) }
        await cluster.stop()
    }

    @Test(arguments: [("retry", false), ("gossip", true)])
    func onlyGossipRemindsANodeThatRestarted(variant: String, isHealed: Bool) async throws {
        let cluster = try await TestCluster("broadcast", variant, nodes: 3)
        let context = await self.makeContext(cluster)
        #expect(try await self.add(1, on: 0, context))
        #expect(try await self.eventually { try await self.read(2, context) == [1] })
        if variant == "retry" {
            // Until every copy is acknowledged: two by n1, and one by each of the nodes it told.
            let isAcknowledged = try await self.eventually {
                let sent = await cluster.passedCount(ofType: "forward")
                let acknowledged = await cluster.passedCount(ofType: "forwarded")
                return sent >= 4 && acknowledged >= sent
            }
            #expect(isAcknowledged)
        }
        try await cluster.restart("n3")
        #expect(try await self.add(2, on: 0, context))
        let expected: [[Int64]] = [[1, 2], [1, 2], isHealed ? [1, 2] : [2]]
        let isSettled = try await self.eventually {
            for node in 0..<3 where try await self.read(node, context) != expected[node] {
                return false
            }
            return true
        }
        #expect(isSettled)
        try await self.broadcast(self.settings()).runFinalReads(context)
        let finding = SetFullChecker().check(context.recorder.history)
        #expect(finding.verdict == (isHealed ? .valid : .invalid), "\(finding)")
        await cluster.stop()
    }

    @Test func aNodeThatIsGoneAnswersNoFinalRead() async throws {
        let cluster = try await TestCluster("broadcast", "gossip", nodes: 2)
        let reports = Mutex<[String]>([])
        var context = await self.makeContext(cluster)
        context.report = { report in reports.withLock { $0.append(report) } }
        #expect(try await self.add(1, on: 0, context))
        await cluster.stop("n2")
        try await self.broadcast(self.settings()).runFinalReads(context)
        #expect(reports.withLock { $0 } == ["node 'n2' answered no final read"])
        let finding = SetFullChecker().check(context.recorder.history)
        #expect(finding.verdict == .unknown)
        #expect(finding.summary == "no final read was answered by n2")
        let workload = try self.broadcast(self.settings())
        await #expect(throws: WorkloadError.self) { try await workload.runLoad(context) }
        await cluster.stop()
    }

    @Test func theSameSeedSendsTheSameRequests() async throws {
        func arguments(seed: UInt64) async throws -> [JSONValue] {
            let cluster = try await TestCluster("broadcast", "gossip", nodes: 2)
            let context = await self.makeContext(cluster, seed: seed)
            let settings = self.settings(milliseconds: 200)
            try await self.broadcast(settings).runLoad(context)
            await cluster.stop()
            return context.recorder.history.invocations.map(\.begin.value)
        }
        let first = try await arguments(seed: 3)
        #expect(first.count > 20)
        #expect(try await arguments(seed: 3) == first)
        #expect(try await arguments(seed: 4) != first)
    }

    @Test func aCancelledLoadEndsWithAWholeHistory() async throws {
        let cluster = try await TestCluster("broadcast", "gossip", nodes: 3)
        let context = await self.makeContext(cluster)
        var settings = self.settings()
        settings.duration = .seconds(600)
        let workload = try self.broadcast(settings)
        let running = Task { try await workload.runLoad(context) }
        #expect(
            try await self.eventually { context.recorder.history.invocations.count > 5 })
        running.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        #expect(context.recorder.history.invocations.allSatisfy { $0.end != nil })
        await cluster.stop()
    }
}
