import ChaosCore
import ChaosScenario
import Foundation
import Testing

@Suite("The profiles that ship with chaos")
struct BuiltInProfilesTests {
    @Test("are read without a mistake", arguments: BuiltInProfiles.all.map(\.name))
    func parse(name: String) throws {
        let entry = try #require(BuiltInProfiles.all.first { $0.name == name })
        let profile = try ScenarioParser().profile(entry.text, file: "\(name).yaml")
        #expect(profile.name == name)
        #expect(!entry.summary.isEmpty && profile.summary == entry.summary)
        #expect(!profile.network.rules.isEmpty)
        #expect(profile.network.rules.allSatisfy { $0.links == .betweenNodes })
        #expect(entry.text.hasPrefix("# "), "says where its numbers come from")
    }

    @Test func areAllThatLieInTheFolder() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        // The link at the top is what people look into.
        let folder = root.appending(path: "profiles").resolvingSymlinksInPath()
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path())
        let names = files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
        let expected = BuiltInProfiles.all.map { entry in
            entry.name.first?.isNumber == true ? "mobile-\(entry.name)" : entry.name
        }
        #expect(names.sorted() == expected.sorted())
    }

    @Test func areTheOnesThatPeopleKnowByName() {
        let names = Set(BuiltInProfiles.all.map(\.name))
        let known = """
            lan wifi wifi-bad dsl cable 2g edge edge-lossy 3g 4g lte satellite satellite-geo starlink \
            wan-eu-us flaky-wan very-bad-network no-connectivity flaky slow split-brain flapping \
            slow-node lossy-messages
            """
        #expect(names.isSuperset(of: known.split(separator: " ").map(String.init)))
        #expect(names.count == BuiltInProfiles.all.count)
    }

    @Test func workInAScenario() throws {
        let text = """
            nodes: { n1..n3: { command: x } }
            network: { profile: nlc-lte }
            schedule: [{ at: 1s, pause: n1 }]
            """
        let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
        #expect(scenario.network.rules.map(\.faults.first?.text) == ["delay 65ms"])
        #expect(scenario.network.profile == "nlc-lte")
    }

    @Test func bringTheirSchedulesIdsAlong() throws {
        let text = """
            nodes: { n1..n3: { command: x } }
            network: { profile: flapping }
            schedule: [{ at: 1s, pause: n1 }]
            """
        let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
        #expect(scenario.schedule.map(\.id) == ["flapping[0]", "schedule[0]"])
    }

    @Test func askForAFramingWhereTheyNeedOne() {
        let text = """
            nodes: { n1..n3: { command: x } }
            network: { profile: lossy-messages }
            """
        #expect(throws: Mistakes.self) { try ScenarioParser().scenario(text, file: "a.yaml") }
    }
}
