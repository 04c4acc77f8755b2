import Foundation
import Testing

/// `chaos run … -- COMMAND`: a command beside links or nodes.
@Suite(.serialized) struct WrappedCommandTests {
    /// A port of this machine where nothing listens.
    private static let nobody = "127.0.0.1:1"

    @Test func aCommandFindsItsLinkAndItsExitCodeIsOurs() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished(
            "run", "--link", "my-db=\(Self.nobody)", "--", "sh", "-c",
            "echo \"$CHAOS_LINK_MY_DB = $CHAOS_LINK_MY_DB_HOST:$CHAOS_LINK_MY_DB_PORT\"; exit 7")
        #expect(run.code == 7)
        let parts = run.out.split(separator: "\n").first?.components(separatedBy: " = ") ?? []
        #expect(parts.count == 2 && parts[0] == parts[1] && parts[0].hasPrefix("127.0.0.1:"))
        // Standard output is the command's alone; the result stands on standard error.
        #expect(run.out.split(separator: "\n").count == 1)
        #expect(run.err.contains("exit 7: the wrapped command ended with 7"))
        #expect(await directory.hasNothingLeft())
    }

    @Test func aCommandThatASignalEndsGives128AndItsNumber() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished(
            "run", "--link", "db=\(Self.nobody)", "--", "sh", "-c", "kill -9 $$")
        #expect(run.code == 137)
    }

    @Test func aCommandThatDoesNotExistIsToldInOneSentence() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished(
            "run", "--link", "db=\(Self.nobody)", "--", "no-such-program")
        #expect(run.code == 69)
        #expect(run.err.contains("no-such-program"))
        #expect(await directory.hasNothingLeft())
    }

    @Test func aCommandThatStillRunsWhenTimeIsUpIsStoppedAndDoesNotCountAsWell() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished(
            "run", "--for", "200ms", "--link", "db=\(Self.nobody)", "--", "sleep", "100")
        #expect(run.code == 143)
        #expect(
            run.err.contains(
                "warning: the command still ran when the run's time was over, and is stopped"))
        #expect(await directory.hasNothingLeft())
    }

    @Test func faultsOnALinkFromTheStartAreSeenByTheCommand() async throws {
        // The server is a node of another run.
        let directory = try TestDirectory()
        try directory.write(echoScenario("addressing: ports"), to: "server.yaml")
        let server = try directory.chaos("run", "server.yaml", "--runs", "others")
        try await server.waitFor("1 node ready")
        let log = try directory.text("others/latest/scenario.yaml")
        #expect(log.contains("addressing: ports"))
        let status = try await directory.finished("status", "--run", "others/latest")
        let address = try #require(status.out.firstMatch(of: /main (127\.0\.0\.1:[0-9]+)/)?.1)
        let run = try await directory.finished(
            "run", "--link", "db=\(address)", "--set", "client->db delay=300ms", "--", "bash", "-c",
            "start=$(date +%s%N); "
                + askOnce("$CHAOS_LINK_DB_HOST", "$CHAOS_LINK_DB_PORT")
                + #"; echo "took $(( ($(date +%s%N) - start) / 1000000 )) ms""#)
        #expect(run.code == 0)
        #expect(run.out.contains(#"got {"src":"n1""#))
        let took = try #require(run.out.firstMatch(of: /took ([0-9]+) ms/)?.1)
        // One way is delayed; injected delay is never early.
        #expect((Int(took) ?? 0) >= 300)
        server.signal(SIGTERM)
        _ = try await server.exit()
        #expect(await directory.hasNothingLeft())
    }

    @Test func aCommandRunsBesideTheNodesOfAScenario() async throws {
        let directory = try TestDirectory()
        try directory.write(echoScenario(), to: "echo.yaml")
        let run = try await directory.finished(
            "run", "echo.yaml", "--", "bash", "-c",
            "address={peer.n1.main}; "
                + askOnce("${address%%:*}", "${address##*:}") + "; [ -d \"$CHAOS_RUN_DIR\" ]")
        #expect(run.code == 0, "\(run.err)")
        #expect(run.out.contains(#""type":"echo_ok""#))
    }

    @Test func bracesOfOtherToolsStayAsTheyWereTyped() async throws {
        let directory = try TestDirectory()
        let run = try await directory.finished(
            "run", "--link", "web=127.0.0.1:9", "--", "echo", "%{http_code} {x}")
        #expect(run.code == 0)
        #expect(run.out == "%{http_code} {x}\n")
    }

    @Test func nodesThatDieWhileTheCommandRunsAreToldAtOnceAndGiveTheExitCode() async throws {
        let directory = try TestDirectory()
        try directory.write(
            """
            name: dying
            nodes:
              n1:
                command: ["sh", "-c", "rm -f go; echo ready; until [ -e go ]; do sleep 0.02; done; echo goodbye; exit 3"]
                ready: { log: ready }
            """, to: "dying.yaml")
        let untilItIsKnown =
            "touch go; until grep -q 'all nodes have ended' $CHAOS_RUN_DIR/journal.jsonl;"
            + " do sleep 0.02; done; rm go"
        let run = try await directory.finished(
            "run", "dying.yaml", "--", "sh", "-c", untilItIsKnown)
        #expect(run.code == 75)
        #expect(
            run.err.contains(
                """
                warning: n1: it died unexpectedly, found that it exited with 3
                its last lines:
                  | ready
                  | goodbye
                warning: all nodes have ended while the command runs: n1 exited with 3

                """))
        let failing = try await directory.finished(
            "run", "dying.yaml", "--", "sh", "-c", untilItIsKnown + "; exit 4")
        #expect(failing.code == 4)
    }
}
