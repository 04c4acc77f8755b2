import Foundation
import Testing

/// What people mistype.
@Suite(.serialized) struct MistakeTests {
    private static let mistyped = """
        name: mistyped
        nodes:
          n1..n3:
            comand: ./kv
            restart: sometimes
        network:
          links: { "n1->n7": { delay: 10 } }
        schedule:
          - { at: 5, for: 10s, partition: n1 / n2 n9 }
        checks: [linearisable-ish]
        """

    @Test func allMistakesOfAScenarioComeAtOnceWithLineAndColumn() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.mistyped, to: "s.yaml")
        for command in ["run", "test", "check"] {
            let run = try await directory.finished(command, "s.yaml")
            #expect(run.code == 65)
            #expect(run.out == "")
            let places = run.errLines.filter { $0.hasPrefix("s.yaml:") }.map { line in
                line.split(separator: ":").prefix(3).joined(separator: ":")
            }
            #expect(
                places == [
                    "s.yaml:4:5", "s.yaml:4:5", "s.yaml:5:14", "s.yaml:7:12", "s.yaml:7:31",
                    "s.yaml:9:11", "s.yaml:10:10",
                ], "\(run.err)")
            #expect(run.err.contains("did you mean 'command'?"))
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/runs"))
    }

    @Test func aFileThatDoesNotExistGives65() async throws {
        let directory = try TestDirectory()
        for command in ["run", "test", "check"] {
            let run = try await directory.finished(command, "none.yaml")
            #expect(run.code == 65)
            #expect(run.errLines.first == "none.yaml: there is no such file")
        }
    }

    @Test(arguments: [
        (["run"], "there is nothing to run"),
        (["run", "--nodes", "3"], "--nodes needs a command behind '--'"),
        (["run", "--nodes", "0", "--", "x"], "--nodes: a cluster has 1 to 254 nodes, found '0'"),
        (["run", "--link", "db", "--", "x"], "--link is written NAME=HOST:PORT, found 'db'"),
        (["run", "--link", "db=127.0.0.1:1"], "--link needs a command behind '--'"),
        (
            ["run", "--nodes", "2", "--set", "n1->n9 loss=1%", "--", "x"],
            "network.rules[0]: there is no such node, found 'n9'"
        ),
        (
            ["run", "--nodes", "2", "--for", "10", "--", "x"],
            "--for: a duration is a number with a unit (ns us ms s m h), found '10'"
        ),
        (["run", "--nodes", "2", "--seed", "x", "--", "x"], "--seed: "),
        (
            ["run", "--nodes", "2", "--backend", "prox", "--", "x"],
            "--backend: there is no such backend, found 'prox'"
        ),
        (
            ["run", "--nodes", "2", "--profile", "wfi", "--", "x"],
            "--profile: there is no such profile, found 'wfi'"
        ),
        (
            ["test", "--seeds", "5..1", "s.yaml"],
            "--seeds is written A..B, with A at most B and at most 10000 seeds, found '5..1'"
        ),
    ])
    func wrongOptionsGive64AndOneSentence(arguments: [String], sentence: String) async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(), to: "s.yaml")
        let run = try ChaosProcess(arguments, directory, environment: [:], folder: nil)
        #expect(try await run.exit() == 64)
        #expect(run.out == "")
        #expect(run.errLines.first?.hasPrefix(sentence) == true, "\(run.err)")
        #expect(run.errLines.dropFirst().allSatisfy { $0.hasPrefix("hint: ") }, "\(run.err)")
    }

    @Test func whatTheParserOfArgumentsRefusesGives64Too() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished("run", "--no-such-option")
        #expect(run.code == 64)
        let backend = try await directory.finished(
            "run", "--nodes", "1", "--backend", "netm", "--", "x")
        #expect(backend.code == 64 && backend.err.contains("did you mean 'netem'?"))
    }
}
