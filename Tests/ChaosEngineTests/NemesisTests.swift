import ChaosCore
import ChaosEngine
import ChaosScenario
import Testing

/// Follows events and counts the nodes outside the largest part that is up and connected, by
/// another way than the engine's: repeated merging of labels.
private struct Model {
    var down: [String: [NodeName]] = [:]
    var cuts: [String: Set<DirectedPair>] = [:]

    mutating func apply(_ event: ScheduledEvent) {
        switch (event.action, event.phase) {
        case (.process(.restart, _), .begin), (.process(.resume, _), .begin): break
        case (.process(_, let nodes), .begin): self.down[event.id] = nodes
        case (.process, .end): self.down[event.id] = nil
        case (.partition(let cuts, _, _, _), .begin): self.cuts[event.id] = Set(cuts)
        case (.partition, .end): self.cuts[event.id] = nil
        default: break
        }
    }

    func disturbed(among nodes: [NodeName]) -> Int {
        let down = Set(self.down.values.flatMap { $0 })
        let cut = self.cuts.values.reduce(into: Set<DirectedPair>()) { $0.formUnion($1) }
        let up = nodes.filter { !down.contains($0) }
        var labels = Dictionary(uniqueKeysWithValues: up.enumerated().map { ($1, $0) })
        for _ in up {
            for a in up {
                for b in up
                where !cut.contains(DirectedPair(a, b)) && !cut.contains(DirectedPair(b, a)) {
                    let label = min(labels[a] ?? 0, labels[b] ?? 0)
                    labels[a] = label
                    labels[b] = label
                }
            }
        }
        let sizes = Dictionary(grouping: labels.values) { $0 }.values.map(\.count)
        return nodes.count - (sizes.max() ?? 0)
    }
}

@Suite("A nemesis")
struct NemesisTests {
    private let all =
        "partition, halves, random-halves, isolate, one-way, majority, majorities-ring, bridge, "
        + "kill, pause, restart, delay, loss"

    @Test("keeps within its budget", arguments: [("minority", 2), ("1", 1), ("3", 3), ("all", 5)])
    func budget(budget: String, limit: Int) throws {
        var begins = 0
        for seed in 0..<15 {
            var runner = try runner(
                "{ every: 3s ± 2s, for: 7s, nemesis: [\(self.all)], budget: \(budget) }",
                "{ every: 4s ± 1s, for: 5s, nemesis: [kill, isolate], budget: \(budget) }",
                seed: UInt64(seed))
            var model = Model()
            var now = Instant.start
            while let deadline = runner.nextDeadline {
                #expect(deadline >= now)
                now = deadline
                for event in runner.due(at: deadline) {
                    model.apply(event)
                    if event.phase == .begin { begins += 1 }
                    #expect(
                        model.disturbed(among: fiveNodes) <= limit, "seed \(seed): \(event.line)")
                }
            }
            _ = runner.finish(at: now).map { model.apply($0) }
            #expect(model.down.isEmpty && model.cuts.isEmpty)
        }
        #expect(begins > 300)
    }

    @Test func countsWhatOtherEntriesDisturb() throws {
        for seed in 0..<10 {
            var runner = try runner(
                "{ at: 1s, isolate: n1 }", "{ at: 2s, kill: n2 }",
                "{ at: 3s, nemesis: [isolate, halves, random-halves], budget: minority }",
                "{ at: 4s, nemesis: kill, budget: minority }", seed: UInt64(seed))
            // Only the node that is cut off already may die as well.
            #expect(
                runner.due(at: second(4)).map(\.line).suffix(2) == [
                    "2s begin schedule[1] kill n2", "4s begin schedule[3] kill n1",
                ])
            #expect(runner.skipped.map(\.id) == ["schedule[2]"])
        }
    }

    @Test func hasRoomAgainAfterTheEndOfTheOthers() throws {
        var runner = try runner(
            "{ at: 1s, for: 1s, isolate: 'n1 n2' }", "{ at: 2s, for: 1s, nemesis: kill }")
        #expect(runner.due(at: second(2)).count == 3)
    }

    @Test func sameSeedSameEvents() throws {
        let line = "{ every: 3s ± 2s, for: 4s, nemesis: [\(self.all)] }"
        var kinds: Set<String> = []
        for seed: UInt64 in 0..<10 {
            var first = try runner(line, seed: seed)
            var second = try runner(line, seed: seed)
            let lines = first.lines(until: .never)
            #expect(lines == second.lines(until: .never))
            kinds.formUnion(
                lines.filter { $0.contains("begin") }.map { String($0.split(separator: " ")[3]) })
        }
        // Every kind had its turn: cuts begin with a node, an arrow's source, or their shape.
        #expect(kinds.isSuperset(of: ["isolate", "kill", "pause", "restart", "majorities-ring"]))
        #expect(kinds.contains { $0.contains("<->") })
    }

    @Test func pinsTheFirstChoicesOfASeed() throws {
        var runner = try runner(
            "{ every: 10s ± 5s, for: 4s, nemesis: [random-halves, isolate, kill, pause] }", seed: 42
        )
        #expect(
            runner.lines(until: second(50)).filter { $0.contains("begin") } == [
                "10s begin schedule[0]#1 n1 n3 / n2 n4 n5 until 14s",
                "19.29s begin schedule[0]#2 pause n4 until 23.29s",
                "33.946s begin schedule[0]#3 pause n2 until 37.946s",
                "44.126s begin schedule[0]#4 n2 n4 / n1 n3 n5 until 48.126s",
            ])
    }

    @Test func doesNotDrawOtherwiseBecauseAnotherEntryStandsBeside() throws {
        let line = "{ id: mine, every: 7s ± 2s, for: 1s, nemesis: [delay, loss] }"
        var alone = try runner(line)
        var beside = try runner("{ every: 3s ± 1s, for: 1s, nemesis: [delay] }", line)
        let mine = beside.lines(until: .never).filter { $0.contains("mine") }
        #expect(mine == alone.lines(until: .never))
    }
}
