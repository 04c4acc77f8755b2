import ChaosCore
import ChaosRun
import ChaosScenario
import Foundation
import Testing

/// What `auto` takes, and what it says about it.
struct BackendChoiceTests {
    private func choice(
        _ command: String, _ more: String = "schedule: [{ at: 1s, partition: n1 / n2 }]",
        ports: String = "{ main: 8000 }", obstacle: String? = nil
    ) throws -> BackendChoice {
        let scenario = try ScenarioFile.read(
            text: """
                nodes: { n1..n2: { command: '\(command)', ports: \(ports) } }
                for: 9s
                \(more)
                """, name: "a.yaml")
        return BackendChoice(for: scenario) { obstacle }
    }

    /// Nodes that nobody tells of each other are in the lab where something is wanted between them.
    @Test(arguments: [
        ("server --port {port}", Backend.lab, "not told of each other"),
        ("server --peers {peers}", .proxy, "told where their peers are"),
        ("server --peers {peers.main:%a}", .proxy, "told where their peers are"),
        ("server --peer {peer.n1}", .proxy, "told where their peers are"),
        ("server --me {advertise}", .proxy, "told where their peers are"),
        ("server --all {members:%n}", .proxy, "told where their peers are"),
        ("sh -c \"server $CHAOS_PEERS\"", .proxy, "told where their peers are"),
        ("chaos-node broadcast", .proxy, "chaos-node reads"),
    ])
    func whatNodesAreToldDecides(_ command: String, _ backend: Backend, _ why: String) throws {
        let choice = try self.choice(command)
        #expect(choice.backend == backend, "\(choice)")
        #expect(choice.reason.contains(why), "\(choice)")
    }

    /// Without anything between nodes the proxy is as good, and needs less.
    @Test(arguments: [
        ("server", "", Backend.proxy), ("server", "schedule: [{ at: 1s, kill: n1 }]", .proxy),
        ("server", "schedule: [{ at: 1s, partition: client / n1 }]", .proxy),
        ("server", "network: { links: { client->n1: { delay: 1ms } } }", .proxy),
        ("server", "network: { links: { '*->*': { delay: 1ms } } }", .lab),
        ("server", "schedule: [{ at: 1s, for: 1s, nemesis: [halves], budget: all }]", .lab),
        ("server", "schedule: [{ at: 1s, isolate: n1 }]", .lab),
        ("server --follow http://n2/", "", .lab), ("server --follow n2:8000", "", .lab),
        ("server --follow n2 8000", "", .lab), ("server -n2 n2", "", .proxy),
    ])
    func whatIsWantedDecides(_ command: String, _ more: String, _ backend: Backend) throws {
        #expect(try self.choice(command, more).backend == backend)
    }

    /// What the lab cannot do keeps the scenario behind the proxy, and the choice says what.
    @Test func theLabMustBeAbleTo() throws {
        let ports = try self.choice("server", ports: "{ main: unix }")
        #expect(ports.backend == .proxy && ports.reason.contains("Unix socket"), "\(ports)")
        let machine = try self.choice("server", obstacle: "user namespaces: not permitted")
        #expect(machine.backend == .proxy && machine.reason.contains("user namespaces"))
        let asked = try self.choice("server", "backend: proxy")
        #expect(asked == (try self.choice("server", "backend: proxy", obstacle: "x")))
        #expect(asked.backend == .proxy && asked.isNeeded)
        let mode = try self.choice("server {peers}", "network: { mode: unreachable }")
        #expect(mode.backend == .lab && mode.isNeeded && mode.reason.contains("'unreachable'"))
    }

    /// A program that reads the variables itself is told by them.
    @Test func programsThatReadTheVariablesAreTold() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("chaos-choice-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try "import os\npeers = os.environ['CHAOS_PEERS']\n".write(
            to: file, atomically: false, encoding: .utf8)
        let told = try self.choice("python3 \(file.path)")
        #expect(told.backend == .proxy && told.reason.contains("reads"), "\(told)")
        try "import os\n".write(to: file, atomically: false, encoding: .utf8)
        #expect(try self.choice("python3 \(file.path)").backend == .lab)
    }

    /// The scenarios that come with chaos are where they always were.
    @Test func examplesStayWhereTheyAre() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("examples").path
        let files = (FileManager.default.enumerator(atPath: folder)?.allObjects ?? [])
            .compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") }.sorted()
        #expect(files.count > 40)
        for file in files {
            let scenario = try ScenarioFile.read("\(folder)/\(file)")
            let choice = BackendChoice(for: scenario) { nil }
            #expect(choice.backend == scenario.chosenBackend, "\(file): \(choice.reason)")
        }
    }
}
