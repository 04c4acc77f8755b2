import ChaosCore
import ChaosScenario
import Testing

/// Scenarios that run in the lab.
struct LabScenarioTests {
    private static let nodes = "nodes: { n1..n3: { command: x, ports: { peer: 7000 } } }\n"

    private func read(_ text: String) throws -> Scenario {
        try ScenarioParser().scenario(Self.nodes + text, file: "a.yaml")
    }

    @Test func theFileSaysWhichBackendAndWhatIsExposed() throws {
        let scenario = try self.read(
            "backend: lab\nexpose: { db: 127.0.0.1:5432, files: '[::1]:80' }")
        #expect(scenario.chosenBackend == .lab)
        #expect(scenario.exposedServices.map(\.name) == ["db", "files"])
        let again = try ScenarioParser().scenario(scenario.yaml, file: "b.yaml")
        #expect(again.backend == .lab)
        #expect(again.exposedServices == scenario.exposedServices)
    }

    /// `auto` takes the lab for what only the lab can do, wherever that stands.
    @Test(arguments: [
        ("", Backend.proxy), ("network: { mode: unreachable }", .lab),
        ("schedule: [{ at: 1s, partition: n1 / n2, mode: unreachable }]", .lab),
        (
            "schedule: [{ every: 9s, for: 1s, nemesis: [halves], budget: all, mode: unreachable }]",
            .lab
        ),
        ("schedule: [{ at: 1s, partition: n1 / n2, mode: reject }]", .proxy),
        ("expose: { db: 127.0.0.1:5432 }", .lab),
        ("schedule: [{ at: 1s, partition: 10.77.0.1/32 / 10.77.0.2/31 }]", .lab),
        ("network: { links: { '[fd00:77::2/127]->n1': { delay: 1ms } } }", .lab),
    ])
    func whatOnlyTheLabCanDo(_ text: String, _ expected: Backend) throws {
        #expect(try self.read(text).chosenBackend == expected)
    }

    @Test func theCommandLineWins() throws {
        var parser = ScenarioParser()
        parser.backend = .lab
        let scenario = try parser.scenario(Self.nodes + "backend: proxy", file: "a.yaml")
        #expect(scenario.chosenBackend == .lab)
        parser.backend = .automatic
        let other = try parser.scenario(Self.nodes + "backend: proxy", file: "a.yaml")
        #expect(other.chosenBackend == .proxy)
    }

    /// Packets are doubled and overtaken without anybody knowing of messages.
    @Test func faultsOfPacketsNeedNoFraming() throws {
        let scenario = try self.read(
            "backend: lab\nnetwork: { links: { '*->*': { duplicate: 1%, reorder: 1% } } }")
        #expect(scenario.network.rules.count == 1)
    }

    /// What decides which connections between nodes go through the proxy.
    @Test(arguments: [
        ("", [String]()), ("network: { framing: { peer: lines } }", ["n1", "n2", "n3"]),
        ("network: { framing: { peer: none } }", ["n1", "n2", "n3"]),
        ("network: { links: { n1->n2: { slicer: 10B } } }", ["n1", "n2"]),
        ("network: { links: { n1->n2: { delay: 1ms, loss: 1% } } }", []),
        ("network: { links: { client->n2: { slicer: 10B } } }", []),
        ("schedule: [{ at: 1s, links: '*->n3', reset_peer: 0s }]", ["n1", "n2", "n3"]),
        ("schedule: [{ at: 1s, links: 'n1->n3:peer', timeout: 1s }]", ["n1", "n3"]),
    ])
    func interceptedPorts(_ text: String, _ nodes: [String]) throws {
        let scenario = try self.read("backend: lab\n" + text)
        #expect(scenario.interceptedPorts.keys.map(\.text).sorted() == nodes)
        #expect(scenario.interceptedPorts.values.allSatisfy { $0 == ["peer"] })
    }

    /// What needs messages says so, also where there are packets.
    @Test(arguments: [
        ("network: { links: { n1->n2: { ack_loss: 1% } } }", "'ack_loss' needs messages"),
        ("network: { mode: lose }", "mode 'lose' needs messages"),
        (
            "schedule: [{ when: { message: { type: x } }, for: 1s, isolate: n1 }]",
            "a message can be seen only where a port has a framing"
        ),
        (
            "network: { framing: { peer: none }, links: { 'n1->n2:peer': { duplicate: 1% } } }",
            "'duplicate' needs messages"
        ),
    ])
    func whatNeedsMessages(_ text: String, _ rule: String) throws {
        let error = try #require(throws: Mistakes.self) {
            try self.read("backend: lab\n" + text)
        }
        #expect(error.description.contains(rule), "\(error)")
    }

    @Test func servicesAreExposedInTheLabAlone() throws {
        let error = try #require(throws: Mistakes.self) {
            try self.read("backend: proxy\nexpose: { db: 127.0.0.1:5432 }")
        }
        #expect(error.description.contains("only nodes in the lab need services exposed"))
        let name = try #require(throws: Mistakes.self) {
            try self.read("backend: lab\nexpose: { db: example.org:5432, n1: 127.0.0.1:1 }")
        }
        #expect(name.description.contains("numeric address"))
        #expect(name.description.contains("a name of its own"))
    }
}
