import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosReport
import Foundation

/// Finds the run, asks it one thing, and prints the answer.
struct ControlSession {
    let options: ControlOptions

    /// Where runs are looked for and what stdout looks like; tests choose others.
    var finder = RunFinder()
    var environment = ProcessInfo.processInfo.environment
    var style = TerminalStyle(
        isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)

    /// What an undo command needs to reach the same run.
    var suffix: String { self.options.run.map { " --run \($0)" } ?? "" }

    /// Sends a request and prints its answer.
    ///
    /// - Throws: `ExitCode` after the error was printed.
    func ask(_ request: JSONObject, lines: (JSONValue) throws -> [String]) async throws {
        do {
            Self.print(try await self.answer(to: request, lines: lines))
        } catch {
            throw self.exit(error)
        }
    }

    /// What is printed for a request: its answer as JSON if asked for, otherwise the lines.
    func answer(
        to request: JSONObject, lines: (JSONValue) throws -> [String]
    ) async throws -> [String] {
        // Mistakes are told before a run is looked for.
        _ = try Request(json: .object(request))
        let client = try await self.connect()
        let answer: JSONValue
        do { answer = try await client.send(request) } catch {
            await client.close()
            throw error
        }
        await client.close()
        return self.options.json ? [answer.text] : try lines(answer)
    }

    /// Connects to the live run; a command that `chaos run` started means its own.
    func connect() async throws -> ControlClient {
        let run = try self.finder.find(self.options.run ?? self.environment["CHAOS_RUN_DIR"])
        return try await ControlClient.connect(to: run.socket)
    }

    /// Prints an error where people and programs look for it, and gives its exit code.
    func exit(_ error: any Error) -> any Error {
        let (json, code): (JSONValue, Int32)
        switch error {
        case let error as CommandError: (json, code) = (error.json, error.exitCode)
        case let error as RunChoiceError:
            (json, code) = (["message": .string(error.description)], error.exitCode)
        default: return error
        }
        if self.options.json { Self.print([JSONValue.object(["ok": false, "error": json]).text]) }
        let text = "chaos: \(error)\n"
        write(text, to: .standardError)
        return ExitCode(code)
    }

    /// Writes lines to stdout at once, also when it is a pipe.
    static func print(_ lines: [String]) {
        let text = lines.map { $0 + "\n" }.joined()
        // Nobody reads any more: end as SIGPIPE would have it.
        if !write(text, to: .standardOutput) { Foundation.exit(128 + SIGPIPE) }
    }
}

extension CommandError {
    /// The exit code: 64 for what was asked, 69 for what cannot be done here, 2 when nobody knows.
    var exitCode: Int32 {
        switch self.code {
        case .badJSON, .tooLarge, .unknownOperation, .badRequest, .notFound, .conflict: 64
        case .unsupported, .failed, .unreachable: 69
        case .busy, .disconnected: 2
        case .badReply: 70
        }
    }
}
