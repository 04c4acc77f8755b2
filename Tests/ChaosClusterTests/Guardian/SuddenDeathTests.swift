import Foundation
import Testing

/// Chaos or its guardian killed with SIGKILL, which no program can prepare for.
@Suite("Sudden death")
struct SuddenDeathTests {
    /// A separate program that hosts processes: what `chaos` is to its nodes.
    private final class Probe {
        let run = "probe-\(UUID().uuidString)"
        let directory: String
        private let process = Process()
        private let output = Pipe()
        private var received = ""

        var pid: Int32 { self.process.processIdentifier }
        var file: String { "\(self.directory)/control.sock" }

        init(script: String, count: Int = 1, ownsAllChildren: Bool = false) throws {
            self.directory = try temporaryDirectory()
            _ = FileManager.default.createFile(atPath: self.file, contents: nil)
            self.process.executableURL = URL(filePath: try probePath())
            self.process.arguments =
                [
                    "host", self.run, self.file, script.replacing("RUN", with: self.run),
                    String(count),
                ]
                + (ownsAllChildren ? ["own"] : [])
            self.process.standardOutput = self.output
            try self.process.run()
        }

        /// Reads on until a line begins with the word, and returns the rest of it.
        func line(after word: String) throws -> String {
            while true {
                let lines = self.received.split(separator: "\n", omittingEmptySubsequences: false)
                if let line = lines.dropLast().first(where: { $0.hasPrefix(word + " ") }) {
                    return String(line.dropFirst(word.count + 1))
                }
                let data = self.output.fileHandleForReading.availableData
                try #require(!data.isEmpty, "the probe ended; it wrote '\(self.received)'")
                self.received += String(decoding: data, as: UTF8.self)
            }
        }

        /// Whether everything it started, its guardian included, is gone.
        func hasLeftNothing() async -> Bool {
            await eventually {
                ProcessScan.carrying("CHAOS_RUN=\(self.run)").isEmpty
                    && ProcessScan.mentioning(self.run).filter { $0 != self.pid }.isEmpty
            }
        }

        func kill() {
            Foundation.kill(self.pid, SIGKILL)
            self.process.waitUntilExit()
        }

        deinit {
            if self.process.isRunning { self.kill() }
            try? FileManager.default.removeItem(atPath: self.directory)
        }
    }

    /// Forks twice, starts sessions of its own, and empties an environment.
    private static let escape = """
        (setsid sleep 1000 &)
        (setsid env -i /bin/sh -c 'sleep 1000; : RUN' &)
        setsid sh -c 'sleep 1000 & (setsid sleep 1000 &) ; wait' &
        exec sleep 1000
        """
    /// The processes of that script whose environment was not emptied.
    private static let escapedWithMarker = 5

    private static func waitForEscape(_ probe: Probe) async {
        #expect(
            await eventually {
                ProcessScan.carrying("CHAOS_RUN=\(probe.run)").count == self.escapedWithMarker
                    && ProcessScan.mentioning(": \(probe.run)").filter { $0 != probe.pid }.count
                        == 1
            })
    }

    @Test func killingChaosLeavesNoProcessAndNoFile() async throws {
        let probe = try Probe(script: Self.escape)
        _ = try probe.line(after: "ready")
        await Self.waitForEscape(probe)
        probe.kill()
        #expect(await probe.hasLeftNothing())
        #expect(await eventually { !FileManager.default.fileExists(atPath: probe.file) })
    }

    @Test func killingTheGuardianMakesChaosEndTheProcessesAndSaySo() async throws {
        let probe = try Probe(script: Self.escape, ownsAllChildren: true)
        let guardian = try #require(Int32(try probe.line(after: "ready")))
        await Self.waitForEscape(probe)
        kill(guardian, SIGKILL)
        let fault = try probe.line(after: "fault")
        #expect(
            fault == "guardian: it must live as long as the run, found that it ended by SIGKILL; "
                + "1 processes were killed in its place")
        #expect(await probe.hasLeftNothing())
        #expect(!FileManager.default.fileExists(atPath: probe.file))
        #expect(ProcessScan.state(of: probe.pid) != nil)
    }

    @Test func anEmbeddedChaosTouchesOnlyWhatCarriesItsMarker() async throws {
        let probe = try Probe(script: "(setsid sleep 1000 &); exec sleep 1000")
        let guardian = try #require(Int32(try probe.line(after: "ready")))
        #expect(
            await eventually { ProcessScan.carrying("CHAOS_RUN=\(probe.run)").count == 2 })
        kill(guardian, SIGKILL)
        _ = try probe.line(after: "fault")
        #expect(ProcessScan.carrying("CHAOS_RUN=\(probe.run)").isEmpty)
    }

    @Test(arguments: 0..<6)
    func killingChaosWhileNodesAreStartingLeavesNothing(round: Int) async throws {
        let probe = try Probe(script: "(setsid sleep 1000 &); sleep 1000", count: 60)
        _ = try probe.line(after: "guardian")
        let started = round * 12
        #expect(
            await eventually {
                ProcessScan.carrying("CHAOS_RUN=\(probe.run)").count >= started
            })
        probe.kill()
        #expect(await probe.hasLeftNothing())
    }

    @Test func aGuardianThatGetsPoliteSignalsStays() async throws {
        let probe = try Probe(script: "exec sleep 1000")
        let guardian = try #require(Int32(try probe.line(after: "ready")))
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGTSTP] {
            kill(guardian, signal)
        }
        let name = try String(contentsOfFile: "/proc/\(guardian)/comm", encoding: .utf8)
        #expect(name == "chaos-guardian\n")
        // `pkill -f` with the words of the command must spare it.
        #expect(ProcessScan.mentioning(probe.run) == [probe.pid])
        #expect(await eventually { ProcessScan.carrying("CHAOS_RUN=\(probe.run)").count == 1 })
        probe.kill()
        #expect(await probe.hasLeftNothing())
    }
}
