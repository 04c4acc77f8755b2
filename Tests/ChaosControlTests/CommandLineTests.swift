import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport
import Foundation
import Testing

@testable import chaos

@Suite("Commands of the command line")
struct CommandLineTests {
    @Test(
        "joins what the shell split",
        arguments: [
            (["n1", "/", "n2", "n3"], false, "n1 / n2 n3"), (["n1 / n2,n3"], false, "n1 / n2,n3"),
            (["n1 -> n2"], false, "n1 -> n2"), (["n1 -> n2"], true, "n1 -> n2"),
            (["n1", "->", "n2"], false, "n1 -> n2"),
            (["n1", "/", "n2", "n3"], true, "n1 -> n2 n3"),
            (["halves"], false, "halves"),
        ])
    func partitionWords(words: [String], oneWay: Bool, text: String) throws {
        #expect(try PartitionCommand.text(words, oneWay: oneWay) == text)
        let flags = oneWay ? ["--one-way"] : []
        let command = try PartitionCommand.parse(
            words + ["--mode", "drop", "--for", "10s"] + flags)
        #expect(command.words == words)
        #expect(command.oneWay == oneWay)
        #expect(command.cut.mode == "drop")
        #expect(command.cut.lease.lease == "10s")
    }

    @Test(
        "names what cannot be a group",
        arguments: [
            (["n1", "-"], false, "an arrow is written in quotes, as in 'n1 -> n2'"),
            (["n1", "/", "n2", "--mdoe"], false, "there is no such option, found '--mdoe'"),
            (
                ["n1", "/", "n2", "/", "n3"], true,
                "--one-way needs two groups, as in 'n1 / n2', found 'n1 / n2 / n3'"
            ),
        ])
    func wrongWords(words: [String], oneWay: Bool, message: String) throws {
        let error = try #require(throws: ValidationError.self) {
            try PartitionCommand.text(words, oneWay: oneWay)
        }
        #expect(error.message == message)
    }

    @Test(
        "tells ids from links",
        arguments: [
            ([], #"{}"#), (["f1"], #"{"injection":"f1"}"#),
            (["n1->n2", "n2->n1"], #"{"link":["n1->n2","n2->n1"]}"#),
        ] as [([String], String)])
    func selections(words: [String], json: String) throws {
        var request: JSONObject = [:]
        try addSelection(words, links: "link", to: &request)
        #expect(JSONValue.object(request).text == json)
    }

    @Test func aSelectionOfSeveralIDsIsRefused() throws {
        var request: JSONObject = [:]
        let error = try #require(throws: ValidationError.self) {
            try addSelection(["f1", "f2"], links: "link", to: &request)
        }
        #expect(error.message == "one id or several links are named, found 'f1 f2'")
    }

    @Test(
        "parses every command",
        arguments: [
            ["isolate", "n2", "--mode", "reject"], ["heal"], ["heal", "p1", "--json"],
            ["hold", "n1->n2"], ["release"], ["release", "h1"],
            ["set", "*->n2", "delay=100ms,10ms", "loss=5%", "--for", "10s"], ["clear", "n1->n2"],
            ["kill", "n1", "n2"], ["stop", "n1"], ["pause", "n1..n3"], ["resume", "n1"],
            ["restart", "eu-*"], ["status", "--json", "--run", "demo"], ["watch"], ["end"],
        ])
    func parses(words: [String]) throws {
        let command = try #require(
            controlCommands.first { $0.configuration.commandName == words[0] })
        #expect(throws: Never.self) { try command.parse(Array(words.dropFirst())) }
    }

    @Test func printsTheAnswerOfTheLiveRun() async throws {
        try await withServer { path in
            let record = RunRecord(
                name: "demo", directory: "runs/1-demo", socket: path, pid: 1, started: "now")
            func session(_ words: [String]) throws -> ControlSession {
                var session = ControlSession(options: try ControlOptions.parse(words))
                session.finder = RunFinder(place: "runs", records: { [record] })
                session.style = .plain
                return session
            }
            let lines = try await session(["--run", "demo"]).answer(
                to: ["op": "partition", "partition": "n1 / n2 n3", "for": "10s"]
            ) { [CommandText.line(try InjectionReceipt(json: $0), suffix: " --run demo")] }
            #expect(
                lines == [
                    "p1 cuts n1 / n2 n3 (drop) until 22s of the run, for 10s; undo with"
                        + " 'chaos heal p1 --run demo'"
                ])
            let json = try await session(["--json"]).answer(to: ["op": "heal"]) { _ in [] }
            #expect(try JSONValue(parsing: json[0])["ended"]?.arrayValue?.count == 1)
        }
    }

    @Test func mistakesAreToldBeforeARunIsLookedFor() async throws {
        var session = ControlSession(options: try ControlOptions.parse([]))
        session.finder = RunFinder(place: "runs", records: { [] })
        let mistake = await #expect(throws: CommandError.self) {
            try await session.answer(to: ["op": "kill", "nodes": ["n 1"]]) { _ in [] }
        }
        #expect(mistake?.exitCode == 64)
        let missing = await #expect(throws: RunChoiceError.self) {
            try await session.answer(to: ["op": "status"]) { _ in [] }
        }
        #expect(missing?.exitCode == 69)
    }
}
