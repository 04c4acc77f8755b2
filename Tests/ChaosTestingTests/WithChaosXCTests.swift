import ChaosTesting
import XCTest

/// ``withChaos`` as a test of XCTest uses it.
final class WithChaosXCTests: XCTestCase {
    func testABodyTalksToANode() async throws {
        let verdict = try await withChaos(scenario: echoScenario()) { cluster in
            let address = try await cluster.address(of: "n1")
            let client = try await LineClient(host: address.host, port: address.port)
            let reply = try await client.echo("hello")
            XCTAssertNotNil(reply)
        }
        XCTAssertEqual(verdict.kind, .notChecked)
    }

    func testAFaultThatTouchedNothingThrows() async throws {
        do {
            try await withChaos(scenario: echoScenario()) {
                try await $0.hold("client->n1")
            }
            XCTFail("it must throw")
        } catch let failure as ChaosFailure {
            XCTAssertEqual(failure.verdict?.reasons, ["h1 touched nothing: client->n1"])
            let directory = try XCTUnwrap(failure.verdict?.runDirectory)
            try FileManager.default.removeItem(
                at: URL(fileURLWithPath: directory).deletingLastPathComponent())
        }
    }
}
