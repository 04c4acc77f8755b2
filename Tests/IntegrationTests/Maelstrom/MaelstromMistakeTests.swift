import ChaosCore
import Foundation
import Testing

/// What people are told of nodes that break Maelstrom's protocol, and of wrong flags.
@Suite(.serialized) struct MaelstromMistakeTests {
    @Test(arguments: [
        (
            "garbage", 0,
            "n0: a message is one JSON object on a line, found 'starting up'\n"
                + "hint: standard output is for messages alone; log to standard error"
        ),
        (
            "two-on-a-line", 0,
            "n0: a line holds one message, and here a second one begins at byte 39"
        ),
        (
            "nobody", 0,
            "n0: there is nobody named 'n9', found in 'dest' of "
                + #"'{"src": "n0", "dest": "n9", "body": {"type": "hello"}}'"#
                + "\nhint: nodes are n0"
        ),
        (
            "overlong", 0,
            "n0: it wrote a line of 17825853 bytes, which is lost: "
                + "a message has at most 16777216 bytes"
        ),
        (
            "extra", 0,
            "n0: its messages have a member 'trace' beside src, dest and body, which Maelstrom"
                + " itself refuses"
        ),
        (
            "no-reference", 0,
            "n0: an answer to a client names the request in 'in_reply_to', found none in "
                + #"'{"src": "n0", "dest": "c2", "body": {"type": "echo_ok", "echo": "#
        ),
        (
            "text-reference", 0,
            #"n0: an answer to a client names the request in 'in_reply_to', found '"1"' there in"#
        ),
        (
            "closes", 2,
            "n0: it closed its standard output and still runs, so nothing that it says is heard"
                + " any more"
        ),
        (
            "dies", 75,
            "n0: it died unexpectedly, found that it exited with 7\nits last lines:\n"
                + "  | panic: out of cheese\n"
        ),
        ("dies", 75, #"  | (stdout) {"src": "n0", "dest": "n0", "body": {"type": "last"}}"#),
    ])
    func aNodeThatBreaksTheProtocolIsToldAndLivesOn(
        mode: String, code: Int32, message: String
    ) async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            "echo", MaelstromPrograms.puppet, nodes: 1, for: mode == "closes" ? 2.5 : 1,
            node: [mode])
        #expect(test.code == code, "\(test.out)\(test.err)")
        #expect(test.err.contains(message), "\(test.err)")
        let results = try directory.results()
        let ok = results["statistics"]?["operations"]?["ok"]?.intValue ?? 0
        #expect(code != 0 || ok >= 2)
        #expect(await directory.hasNothingLeft())
    }

    @Test(arguments: [
        (
            "no-line-feed",
            "found 74 bytes without a line feed behind them: '{\"src\": \"n0\", \"dest\": \"c0\", "
                + "\"body\": {\"type\": \"init_ok\", \"in_reply_to\": 1}}'\n"
                + "hint: end every message with a line feed, and flush standard output"
        ),
        (
            "no-init",
            "found nothing on its standard output\nhint: flush standard output behind every message"
        ),
        (
            "wrong-reply-to",
            "found an init_ok with the in_reply_to 7\n"
                + "hint: 'in_reply_to' is the 'msg_id' of the request: 1"
        ),
        ("no-reply-to", "found an init_ok without in_reply_to"),
        ("init-error", "found the error 13: no disk"),
        (
            "dies-at-once",
            "found that it exited with 3\nits last lines:\n  | no module named cheese"
        ),
    ])
    func aNodeThatDoesNotAnswerInitEndsTheRun(mode: String, finding: String) async throws {
        let directory = try TestDirectory()
        // A scenario, because its patience can be shorter than Maelstrom's ten seconds.
        try directory.write(
            """
            nodes:
              n0:
                command: ["\(MaelstromPrograms.puppet)", "\(mode)"]
                protocol: maelstrom
                ready: { within: 1s }
            workload: { kind: echo, for: 1s }
            """, to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml")
        #expect(test.code == 75)
        let rule = "n0: it must answer 'init' with 'init_ok' within 1s, "
        #expect(test.err.contains(rule + finding), "\(test.err)")
        #expect(await directory.hasNothingLeft())
    }

    @Test(arguments: ["slow", "asks-first", "own-folder"])
    func whatMaelstromAllowsWorks(mode: String) async throws {
        let directory = try TestDirectory()
        let test = try await directory.test(
            "echo", MaelstromPrograms.puppet, nodes: 2, for: 1, node: [mode])
        #expect(test.code == 0, "\(test.out)\(test.err)")
        #expect(!test.err.contains("warning"), "\(test.err)")
    }

    @Test(arguments: [
        (
            ["–-nemesis", "partition"],
            "a flag begins with hyphens, and this one has an en dash, found '–-nemesis'\n"
                + "hint: write '--nemesis'"
        ),
        (["—w", "echo"], "this one has an em dash, found '—w'\nhint: write '-w'"),
        (["--nemesi", "partition"], "Unknown option '--nemesi'"),
        (
            ["--nemesis", "partitoin"],
            "found 'partitoin'\nhint: did you mean 'partition'?"
        ),
        (
            ["partition"],
            "-w tests --bin, and takes no scenarios or other words, found 'partition'\n"
                + "hint: arguments for the nodes stand behind '--'"
        ),
        (["--topology", "ring"], "'topology' is one of grid, line, total, tree"),
        (["--latency", "fast"], "--latency: "),
        (["--latency-dist", "uniform"], "--latency-dist needs --latency"),
        (["--availability", "2"], "--availability is 'total' or a number from 0 to 1, found '2'"),
        (["--assert", "msgs_per_op"], "an assertion is a measure, a comparison and a number"),
        (["--nodes", "n1,lin-kv"], "services have names of their own, found 'lin-kv'"),
        (["--concurrency", "x"], "'concurrency' is a number of clients"),
    ])
    func wrongFlagsAreRefused(flags: [String], message: String) async throws {
        let directory = try TestDirectory()
        let test = try ChaosProcess(
            ["test", "-w", "broadcast", "--bin", MaelstromPrograms.puppet] + flags, directory)
        #expect(try await test.exit() == 64, "\(test.err)")
        #expect(test.err.contains(message), "\(test.err)")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(files == [])
    }

    @Test func aWrongProgramOrModelIsRefused() async throws {
        let directory = try TestDirectory()
        try directory.write("", to: "node.py")
        let cases: [(arguments: [String], message: String)] = [
            (["-w", "echo"], "--bin: a test of Maelstrom nodes needs their program"),
            (
                ["-w", "echo", "--bin", "./nodes.py"],
                "--bin: there is no such program, found './nodes.py'"
            ),
            (
                ["-w", "echo", "--bin", "./node.py"],
                "--bin: the program may be run, found './node.py'\nhint: chmod +x ./node.py"
            ),
            (
                ["-w", "echo", "--bin", "python3 node.py"],
                "hint: the program alone stands here; its arguments stand behind '--'"
            ),
            (
                ["-w", "ecko", "--bin", MaelstromPrograms.puppet],
                "found 'ecko'\nhint: did you mean 'echo'?"
            ),
            (
                [
                    "-w", "txn-list-append", "--bin", MaelstromPrograms.puppet,
                    "--consistency-models", "bogus-model",
                ], "found 'bogus-model'"
            ),
            (
                ["--bin", MaelstromPrograms.puppet, "--concurrency", "3"],
                "--concurrency: 'lin-kv' needs a multiple of two clients a node (10), found '3'"
            ),
        ]
        for (arguments, message) in cases {
            let test = try ChaosProcess(["test"] + arguments, directory)
            #expect(try await test.exit() == 64, "\(arguments): \(test.err)")
            #expect(test.err.contains(message), "\(arguments): \(test.err)")
        }
    }
}
