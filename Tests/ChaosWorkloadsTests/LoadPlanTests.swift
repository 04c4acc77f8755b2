import ChaosCore
import Testing

@testable import ChaosWorkloads

@Suite("Load plan")
struct LoadPlanTests {
    private func plan(
        seed: UInt64, rate: Int = 100, arrivals: LoadSettings.Arrivals = .uniform
    ) -> [LoadPlan.Slot] {
        var settings = LoadSettings()
        settings.rate = EventRate(perSecond: rate)
        settings.duration = .seconds(100)
        settings.arrivals = arrivals
        return Array(LoadPlan(settings, clientCount: 3, seed: Seed(seed)))
    }

    @Test(arguments: LoadSettings.Arrivals.allCases)
    func sendsAtTheRateAskedFor(arrivals: LoadSettings.Arrivals) {
        let plan = self.plan(seed: 1, arrivals: arrivals)
        #expect((9_700...10_300).contains(plan.count))
        #expect(plan[0].offset == .zero)
        #expect(plan.map(\.client).prefix(4) == [0, 1, 2, 0])
        #expect(plan.map(\.ordinal) == Array(plan.indices))
        #expect(zip(plan, plan.dropFirst()).allSatisfy { $0.offset < $1.offset })
        #expect(plan.last.map { $0.offset < .seconds(100) } == true)
    }

    @Test func gapsSpreadAsMaelstromsDo() {
        let plan = self.plan(seed: 2)
        let gaps = zip(plan, plan.dropFirst()).map { $1.offset - $0.offset }
        #expect(gaps.allSatisfy { $0 <= .milliseconds(20) })
        #expect(gaps.contains { $0 < .milliseconds(1) } && gaps.contains { $0 > .milliseconds(19) })
    }

    @Test func followsFromTheSeed() {
        #expect(self.plan(seed: 7) == self.plan(seed: 7))
        #expect(self.plan(seed: 7) != self.plan(seed: 8))
    }
}

@Suite("Topology")
struct TopologyTests {
    private func text(_ topology: Topology, _ count: Int) -> [String] {
        let nodes = (1...count).map { "n\($0)" }
        return topology.neighbours(of: nodes).map {
            "\($0.node): \($0.neighbours.joined(separator: " "))"
        }
    }

    @Test func gridsAreSquare() {
        #expect(
            self.text(.grid, 5) == [
                "n1: n2 n4", "n2: n1 n3 n5", "n3: n2", "n4: n1 n5", "n5: n2 n4",
            ])
        #expect(self.text(.grid, 1) == ["n1: "])
        #expect(self.text(.grid, 2) == ["n1: n2", "n2: n1"])
    }

    @Test func theOthersAreWhatTheyAreCalled() {
        #expect(self.text(.line, 3) == ["n1: n2", "n2: n1 n3", "n3: n2"])
        #expect(self.text(.total, 3) == ["n1: n2 n3", "n2: n1 n3", "n3: n1 n2"])
        #expect(
            self.text(.tree, 6) == [
                "n1: n2 n3", "n2: n1 n4 n5", "n3: n1 n6", "n4: n2", "n5: n2", "n6: n3",
            ])
    }

    @Test(arguments: Topology.allCases, 1...26)
    func everyNodeIsReachable(topology: Topology, count: Int) {
        let nodes = (1...count).map { "n\($0)" }
        let edges = topology.neighbours(of: nodes)
        var reached: Set<String> = ["n1"]
        for _ in nodes {
            for (node, neighbours) in edges where reached.contains(node) {
                reached.formUnion(neighbours)
            }
        }
        #expect(reached.count == count)
    }
}
