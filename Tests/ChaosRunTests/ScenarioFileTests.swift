import ChaosCheckers
import ChaosCore
import ChaosRun
import ChaosScenario
import ChaosWorkloads
import Foundation
import Testing

/// A directory of one test's own, gone with this value.
private final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("chaos-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        self.path = url.path
    }

    func write(_ text: String, to name: String) throws -> String {
        let url = URL(fileURLWithPath: "\(self.path)/\(name)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
        return url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}

private func scenario(profile: String) -> String {
    """
    name: test
    nodes: { n1..n2: { command: x } }
    network: { profile: \(profile) }
    """
}

private func profile(delay: String) -> String {
    "name: mine\nnetwork: { links: { \"*->*\": { delay: \(delay) } } }\n"
}

/// Scenarios and profiles in files.
@Suite struct ScenarioFileTests {
    @Test func aProfileBesideTheScenarioWinsOverOneThatShips() throws {
        let folder = try Folder()
        _ = try folder.write(profile(delay: "7ms"), to: "wifi.yaml")
        let file = try folder.write(scenario(profile: "wifi"), to: "s.yaml")
        let read = try ScenarioFile.read(file)
        #expect(read.network.rules.flatMap(\.faults).map(\.text) == ["delay 7ms"])
    }

    @Test func aProfileThatShipsIsFoundByName() throws {
        let folder = try Folder()
        let file = try folder.write(scenario(profile: "wifi"), to: "s.yaml")
        #expect(try ScenarioFile.read(file).network.rules.isEmpty == false)
        #expect(try ScenarioFile.profile("wifi").name == "wifi")
    }

    @Test func aPathToAProfileIsSeenFromTheScenario() throws {
        let folder = try Folder()
        _ = try folder.write(profile(delay: "9ms"), to: "net/slow.yaml")
        let file = try folder.write(scenario(profile: "net/slow.yaml"), to: "s.yaml")
        let read = try ScenarioFile.read(file)
        #expect(read.network.rules.flatMap(\.faults).map(\.text) == ["delay 9ms"])
    }

    @Test func aProfileThatNobodyHasIsRefusedWithTheNearest() throws {
        let folder = try Folder()
        let file = try folder.write(scenario(profile: "wfii"), to: "s.yaml")
        let error = #expect(throws: Mistakes.self) { try ScenarioFile.read(file) }
        let text = try #require(error).description
        #expect(text.hasPrefix("\(file):3:21: "))
        #expect(text.hasSuffix("found 'wfii'\nhint: did you mean 'wifi'?"))
        let name = #expect(throws: InputError.self) { try ScenarioFile.profile("wfii") }
        #expect(
            name?.description
                == "--profile: there is no such profile, found 'wfii'\nhint: did you mean 'wifi'?")
    }

    @Test func filesThatCannotBeReadAreToldInOneSentence() throws {
        let folder = try Folder()
        let missing = #expect(throws: InputError.self) {
            try ScenarioFile.read(folder.path + "/none.yaml")
        }
        #expect(missing?.description == "there is no such file")
        let directory = #expect(throws: InputError.self) { try ScenarioFile.read(folder.path) }
        #expect(directory?.description == "a scenario is a file, not a directory")
        let bytes = folder.path + "/latin1.yaml"
        try Data([0x6E, 0x61, 0x6D, 0x65, 0x3A, 0x20, 0xE9, 0x0A]).write(
            to: URL(fileURLWithPath: bytes))
        let encoding = #expect(throws: Mistakes.self) { try ScenarioFile.read(bytes) }
        #expect(encoding?.description == "\(bytes):1:7: a file is UTF-8 text")
    }

    @Test func checkingTellsWhatAFileIs() throws {
        let folder = try Folder()
        let file = try folder.write(scenario(profile: "wifi"), to: "s.yaml")
        #expect(
            try ScenarioFile.check(file)
                == "scenario 'test', nodes: 2, schedule entries: 0, checks: 0"
        )
        let other = try folder.write(profile(delay: "1ms"), to: "p.yaml")
        #expect(try ScenarioFile.check(other) == "profile 'mine', rules: 1, schedule entries: 0")
    }

    @Test func checksAndWorkloadsThatDoNotExistAreRefusedByName() throws {
        let text = """
            name: test
            nodes: { n1: { command: x } }
            workload: { kind: lin-kw }
            checks:
              - no-such-check
              - recovers: { within: 0s }
            """
        let error = #expect(throws: Mistakes.self) {
            try ScenarioFile.read(text: text, name: "s.yaml")
        }
        #expect(
            error?.list.map { "\($0.position.line):\($0.position.column) \($0.error.sentence)" }
                == [
                    "3:19 a workload is one of \(workloadNames.joined(separator: ", ")), found 'lin-kw'",
                    "5:5 a check is one of \(checkerNames.joined(separator: ", ")), found 'no-such-check'",
                    "6:5 'within' of 'recovers' is longer than 0s, found '0s'",
                ])
    }

    @Test func whatACommandLineAddsIsCheckedAgain() throws {
        var scenario = try ScenarioFile.read(text: scenario(profile: "lan"), name: "s.yaml")
        scenario.network.rules = [
            FaultRule(
                links: try LinkPattern(parsing: "n1->n9"), faults: try FaultText.parse(["loss=1%"]))
        ]
        let error = #expect(throws: InputError.self) {
            try ScenarioFile.checkAgain(scenario, length: nil)
        }
        #expect(
            error?.description
                == "network.rules[0]: there is no such node, found 'n9'\nhint: nodes are n1, n2, client"
        )
    }
}
