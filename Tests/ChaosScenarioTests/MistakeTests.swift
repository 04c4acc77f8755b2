import ChaosCore
import ChaosScenario
import Testing

/// The lines of all mistakes in a scenario, hints too.
func mistakes(_ text: String, _ parser: ScenarioParser = ScenarioParser()) -> [String] {
    do {
        _ = try parser.scenario(text, file: "a.yaml")
        return []
    } catch { return error.description.split(separator: "\n").map(String.init) }
}

/// A file and all that is told about it; lines of files are parted by newlines.
struct MistakeCase: CustomTestStringConvertible {
    let text: String
    let lines: [String]

    init(_ text: String, _ lines: String...) {
        self.text = text
        self.lines = lines
    }

    var testDescription: String { self.text }
}

@Suite("Mistakes in a scenario")
struct MistakeTests {
    @Test("of the YAML itself come as one sentence", arguments: yamlMistakes)
    func yaml(example: MistakeCase) { #expect(mistakes(example.text) == example.lines) }

    @Test("come all at once, in order, with hints", arguments: topMistakes + nodeMistakes)
    func shape(example: MistakeCase) { #expect(mistakes(example.text) == example.lines) }

    @Test("of the network name the link", arguments: networkMistakes)
    func network(example: MistakeCase) {
        let head = "nodes: { n1..n2: { command: x, ports: { peer: auto } } }\nnetwork:\n"
        #expect(mistakes(head + example.text) == example.lines)
    }

    @Test("of the schedule name the entry", arguments: scheduleMistakes)
    func schedule(example: MistakeCase) {
        let head = "nodes: { n1..n3: { command: x } }\nschedule:\n"
        #expect(mistakes(head + "  - " + example.text) == example.lines)
    }

    @Test func ofAProfileNameItsFile() {
        var parser = ScenarioParser()
        parser.profileNames = ["mine"]
        parser.findProfile = { name in
            name == "mine"
                ? ScenarioParser.ProfileText(
                    file: "profiles/mine.yaml",
                    text: "name: mine\nnetwork: { links: { '*->*': { delay: 5 } } }") : nil
        }
        #expect(
            mistakes("network: { profile: mine }\nsed: 1", parser) == [
                "a.yaml:2:1: a scenario has no such key, found 'sed'", "hint: did you mean 'seed'?",
                "profiles/mine.yaml:2:38: a duration is a number with a unit (ns us ms s m h), found '5'",
                "hint: write '5ms' or '5s'",
            ])
        #expect(
            mistakes("network: { profile: mime }", parser) == [
                "a.yaml:1:21: there is no such profile, found 'mime'", "hint: did you mean 'mine'?",
            ])
    }

    @Test func ofProfilesThatUseEachOtherAreFound() {
        var parser = ScenarioParser()
        parser.findProfile = { name in
            let other = name == "a" ? "b" : "a"
            return ScenarioParser.ProfileText(
                file: "\(name).yaml", text: "name: \(name)\nnetwork: { profile: \(other) }")
        }
        #expect(
            mistakes("network: { profile: a }", parser) == [
                "b.yaml:2:21: a profile does not use itself, found 'a uses b uses a'"
            ])
    }

    @Test func ofWorkloadsAndChecksStandWhereTheirParametersStand() {
        var parser = ScenarioParser()
        parser.checkWorkload = { workload in
            [
                .init(key: nil, InputError("there is no such workload", found: workload.kind)),
                .init(key: "rate", InputError("too fast")),
            ]
        }
        parser.checkCheck = { check in
            [.init(key: check.parameters["k"] == nil ? nil : "k", InputError("no \(check.name)"))]
        }
        #expect(
            mistakes("workload: { kind: x, rate: 1/s }\nchecks:\n  - a\n  - b: { k: 1 }", parser)
                == [
                    "a.yaml:1:19: there is no such workload, found 'x'", "a.yaml:1:28: too fast",
                    "a.yaml:3:5: no a", "a.yaml:4:13: no b",
                ])
    }

    @Test func ofBytesThatAreNoTextNameTheByte() {
        #expect {
            try ScenarioParser.text(of: Array("a: b\nc: ".utf8) + [0xff, 0x41], file: "a.yaml")
        } throws: { "\($0)" == "a.yaml:2:4: a file is UTF-8 text" }
    }

    @Test func keepSharesOfARunForThoseWhoKnowItsLength() {
        let text = "nodes: { n1: { command: x } }\nschedule: [{ at: 30%, pause: n1 }]"
        #expect(mistakes(text).count == 2)
        #expect(mistakes(text + "\nfor: 60s") == [])
        #expect(mistakes(text + "\nworkload: { kind: x, for: 60s }") == [])
        var parser = ScenarioParser()
        parser.length = .seconds(60)
        #expect(mistakes(text, parser) == [])
    }

    @Test func stopAtAHundred() {
        let keys = (0..<300).map { "k\($0): 1" }.joined(separator: "\n")
        #expect(mistakes(keys).count == 200)
    }
}
