import Foundation
import Testing

/// A test suite that knows nothing of chaos, beside a healthy, a slow and a cut database.
@Suite("examples/any-command")
struct AnyCommandTests {
    init() throws {
        try requireProgram("redis-server", package: "redis-server")
        try requireProgram("redis-cli", package: "redis-tools")
        try requireProgram("python3", package: "python3")
    }

    @Test func theSuiteFailsWhereTheShopIsTooSlowOrHasNoDatabase() async throws {
        let run = try ExampleRun(script: ExampleRun.example("any-command/try.sh"))
        _ = try await run.exitCode()
        #expect(
            run.output.split(separator: "\n").filter { !$0.hasPrefix("p1 cuts ") }
                == ["healthy: 0", "slow: 1", "cut: 1"], "\(run.output)\n\(run.errors)")
        let failures = run.errors.matches(of: /(?m)^(FAIL|ERROR): (\w+)/).map { "\($0.1) \($0.2)" }
        let (stock, sale) = (
            "test_the_stock_is_shown_within_half_a_second", "test_what_is_sold_is_gone"
        )
        #expect(failures == ["FAIL \(stock)", "ERROR \(stock)", "ERROR \(sale)"])
        #expect(run.errors.contains("TimeoutError: timed out"))
        let result = try run.result()
        expectCuts(["partition client / db (drop)"], in: result)
    }
}
