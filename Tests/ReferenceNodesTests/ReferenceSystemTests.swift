import ChaosCore
import NodeKit
import ReferenceNodes
import Testing

@Suite("Reference systems")
struct ReferenceSystemTests {
    @Test func areFoundByName() throws {
        #expect(
            ReferenceSystem.all.map(\.name) == [
                "echo", "unique-ids", "broadcast", "g-set", "or-set", "g-counter", "pn-counter",
                "kafka", "lin-kv", "txn-list-append", "txn-rw-register", "connections",
                "dialer",
                "membership", "ping-pong",
                "sequence",
                "rpc", "redis-server", "redis-blocking", "redis-pipelined", "redis-reconnecting",
                "redis-pool", "terms-cache", "two-phase-commit", "bank",
                "distributed-counter", "registry", "map-reduce", "map-reduce-manager", "routing",
                "link-shortener", "link-replication", "link-views", "link-deltas", "link-ring",
                "process-groups", "remote-processes",
                "supervision", "handrolled-supervisor", "stack", "tasks", "parallel-map",
                "shared-state", "terms-table", "observer", "configuration", "weather",
            ])
        let broadcast = try ReferenceSystem.named("broadcast")
        #expect(
            broadcast.variants.map(\.name) == [
                "gossip", "hubs", "hubs-batched", "retry", "give-up", "naive", "star", "storm",
                "echo-back", "list", "ack-first",
            ])
        #expect(try broadcast.variant(named: nil).name == "gossip")
        #expect(try broadcast.variant(named: "naive").name == "naive")
    }

    @Test func explainUnknownNames() throws {
        #expect {
            _ = try ReferenceSystem.named("brodcast")
        } throws: {
            "\($0)"
                == "a system is one of \(ReferenceSystem.all.map(\.name).joined(separator: ", ")),"
                + " found 'brodcast'\nhint: did you mean 'broadcast'?"
        }
        #expect {
            _ = try ReferenceSystem.named("echo").variant(named: "raft")
        } throws: {
            "\($0)"
                == "a variant of 'echo' is one of plain, relay, relay-fifo, one-read, found 'raft'"
        }
    }

    @Test(
        arguments: [
            "Please echo 5", "", [1, 2.5, nil], ["a": ["é😀\n"]], .null,
        ] as [JSONValue])
    func echoReturnsThePayloadAsItWas(payload: JSONValue) throws {
        var cluster = try ClusterSimulation("echo", "plain", nodes: 1)
        let id = cluster.request("n1", ["type": "echo", "echo": payload])
        cluster.run(for: .milliseconds(1))
        let reply = try #require(cluster.replies[id])
        #expect(reply.body == ["type": "echo_ok", "echo": payload, "in_reply_to": .int(id)])
    }
}
