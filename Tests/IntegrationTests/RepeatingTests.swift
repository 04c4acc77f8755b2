import ChaosCore
import Foundation
import Testing

/// The same seed, the same schedule, the same messages: the same decisions.
@Suite(.serialized) struct RepeatingTests {
    /// A client that sends a fixed script and reads until nothing more comes.
    private static let client = """
        address={peer.n1.main}
        exec 3<>/dev/tcp/${address%%:*}/${address##*:}
        for i in $(seq 1 200); do
          echo '{"src":"c1","dest":"n1","body":{"type":"echo","echo":"'$i'","msg_id":'$i'}}' >&3
        done
        while read -t 1 line <&3; do :; done
        """

    private static let scenario = """
        name: script
        nodes: { n1: { command: chaos-node echo } }
        network:
          framing: { main: lines }
          links:
            client->n1: { delay: 1ms ± 1ms, loss: 20% }
            n1->client: { delay: 2ms ± 1ms, duplicate: 10% }
        """

    /// The decisions of a run by link, each without its time.
    private func decisions(seed: String) async throws -> [String: [String]] {
        let directory = try TestDirectory()
        try directory.write(Self.scenario, to: "s.yaml")
        let run = try await directory.finished(
            "run", "s.yaml", "--seed", seed, "--", "bash", "-c", Self.client)
        #expect(run.code == 0, "\(run.err)")
        var decisions: [String: [String]] = [:]
        for line in try directory.text("runs/latest/journal.jsonl").split(separator: "\n") {
            let json = try JSONValue(text: line)
            guard json["event"] == "decision", var object = json.objectValue,
                let link = json["link"]?.stringValue
            else { continue }
            object["t"] = nil
            decisions[link, default: []].append(JSONValue.object(object).text)
        }
        return decisions
    }

    @Test func theSameSeedMakesTheSameDecisionsAndAnotherOneOthers() async throws {
        async let one = self.decisions(seed: "11")
        async let two = self.decisions(seed: "11")
        async let other = self.decisions(seed: "12")
        let (first, second, third) = try await (one, two, other)
        #expect(first.keys.sorted() == ["client->n1:main", "n1->client:main"])
        #expect((first["client->n1:main"]?.count ?? 0) > 20)
        #expect(first == second)
        #expect(first != third)
    }

    @Test func theSameSeedDrawsTheSameSchedule() async throws {
        func faults(seed: String) async throws -> [String] {
            let directory = try TestDirectory()
            try directory.write(
                """
                name: drawn
                nodes: { n1..n5: { command: chaos-node echo } }
                schedule:
                  - { every: 100ms ± 30ms, for: 30ms, nemesis: [isolate, random-halves, pause], budget: minority }
                for: 800ms
                """, to: "s.yaml")
            _ = try await directory.finished("run", "s.yaml", "--seed", seed)
            let results = try JSONValue(text: try directory.text("runs/latest/results.json"))
            return (results["faults"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
        }
        async let one = faults(seed: "21")
        async let two = faults(seed: "21")
        async let other = faults(seed: "22")
        let (first, second, third) = try await (one, two, other)
        #expect(first.count > 4)
        // The last one may come too late in one of them.
        let count = min(first.count, second.count)
        #expect(first.prefix(count) == second.prefix(count))
        #expect(first != third)
    }
}
