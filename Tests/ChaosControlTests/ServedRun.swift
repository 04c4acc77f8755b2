import ChaosControl
import ChaosCore
import Foundation

/// Serves a run at a socket in a directory of its own.
///
/// Patient, because other tests may keep every thread busy for seconds.
func withServer<Result>(
    for run: any CommandTarget = BookkeepingRun(), replyWithin: Duration = .seconds(60),
    _ body: (_ path: String) async throws -> Result
) async throws -> Result {
    try await withTemporaryDirectory { directory in
        let path = "\(directory)/control.sock"
        let server = try await ControlServer.start(
            at: path, target: run, version: "0.1.0", replyWithin: replyWithin)
        let result: Result
        do { result = try await body(path) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
        return result
    }
}
