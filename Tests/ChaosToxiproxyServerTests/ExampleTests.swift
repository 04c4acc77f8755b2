import Foundation
import Testing

/// `examples/toxiproxy-clients`: the client from PyPI and curl, as people run them.
@Suite("examples/toxiproxy-clients")
struct ExampleTests {
    @Test("toxiproxy-python and curl work unchanged")
    func clients() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let script = root.appendingPathComponent("examples/toxiproxy-clients/run.sh")
        let result = try Programs.run(script, [Programs.chaos.path])
        #expect(result.code == 0, "\(result.errors)")
        for line in [
            "a second 'echo' is refused", "latency: 200 ms are kept",
            "bandwidth: 50 000 bytes at 100 KB/s take half a second",
            "limit_data: exactly 10 bytes, then the end", "down: connections are refused",
            "populate: a, b", "as it must be",
            #"{"attributes":{"latency":300,"jitter":20},"name":"latency_downstream","type":"latency","#
                + #""stream":"downstream","toxicity":1}"#,
            #"{"error":"invalid attribute: slicer average_size must be at least 1, found '0'","#
                + #""status":400}"#,
        ] { #expect(result.output.contains(line + "\n"), "\(line)\n\(result.output)") }
    }
}
