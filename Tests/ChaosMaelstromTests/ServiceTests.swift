import ChaosCore
import Testing

@testable import ChaosMaelstrom

@Suite("Maelstrom's services")
struct ServiceTests {
    /// Asks a service as one node after the other, as the desk does.
    private struct Desk {
        var service: any Service
        var seed = Seed(1)
        private var ordinal: UInt64 = 0

        init(_ name: NodeName, seed: Seed = Seed(1)) throws {
            self.service = try #require(makeService(name))
            self.seed = seed
        }

        mutating func ask(_ body: JSONObject, as node: String = "n1") -> JSONObject {
            var draws = self.seed.derived(self.ordinal).generator
            self.ordinal += 1
            do throws(KeyValueReply) {
                return self.service.answer(
                    try KeyValueRequest(body), of: node, draws: &draws
                ).body
            } catch { return error.body }
        }
    }

    private static let read: JSONObject = ["type": "read", "key": "x"]

    private static func write(_ value: JSONValue) -> JSONObject {
        ["type": "write", "key": "x", "value": value]
    }

    private static func swap(
        _ from: JSONValue, _ to: JSONValue, creates: Bool? = nil
    ) -> JSONObject {
        var body: JSONObject = ["type": "cas", "key": "x", "from": from, "to": to]
        if let creates { body["create_if_not_exists"] = .bool(creates) }
        return body
    }

    @Test(arguments: ["lin-kv", "seq-kv", "lww-kv"])
    func answerWithMaelstromsCodes(name: String) throws {
        var desk = try Desk(NodeName(name))
        #expect(
            desk.ask(Self.read)
                == ["type": "error", "code": 20, "text": "key does not exist"])
        #expect(desk.ask(Self.swap(1, 2))["code"] == 20)
        #expect(
            desk.ask(["type": "write", "key": "x"])
                == ["type": "error", "code": 12, "text": "a request 'write' has a 'value'"])
        #expect(
            desk.ask(["type": "delete", "key": "x"])
                == [
                    "type": "error", "code": 10,
                    "text": "this service knows no request 'delete'",
                ])
    }

    @Test func aLinearizableStoreShowsEveryWriteAtOnce() throws {
        var desk = try Desk("lin-kv")
        #expect(desk.ask(Self.write([1, 2]), as: "n1") == ["type": "write_ok"])
        #expect(desk.ask(Self.read, as: "n2") == ["type": "read_ok", "value": [1, 2]])
        #expect(desk.ask(Self.swap([1, 2], 7), as: "n3") == ["type": "cas_ok"])
        #expect(
            desk.ask(Self.swap([1, 2], 8), as: "n1")
                == ["type": "error", "code": 22, "text": "current value 7 is not [1,2]"])
        // Keys are any JSON.
        #expect(
            desk.ask(["type": "write", "key": ["a": 1], "value": nil]) == ["type": "write_ok"])
        #expect(
            desk.ask(["type": "read", "key": ["a": 1]]) == ["type": "read_ok", "value": nil])
    }

    @Test(arguments: [("lin-kv", true), ("seq-kv", true), ("lww-kv", false)])
    func createsAKeyWhereThatIsAskedFor(name: String, isKnown: Bool) throws {
        var desk = try Desk(NodeName(name))
        let reply = desk.ask(Self.swap(0, 1, creates: true))
        #expect(reply == (isKnown ? ["type": "cas_ok"] : KeyValueReply.absent(key: "x").body))
    }

    /// Reads of others may be old, by 31 states at most, but no node ever goes back.
    @Test func aSequentialStoreIsStaleButNeverGoesBack() throws {
        var stale = 0
        for seed in 0..<20 as Range<UInt64> {
            var desk = try Desk("seq-kv", seed: Seed(seed))
            var seen: [String: Int64] = [:]
            for value in 1...60 as ClosedRange<Int64> {
                _ = desk.ask(Self.write(.int(value)), as: "writer")
                #expect(desk.ask(Self.read, as: "writer")["value"] == .int(value))
                for reader in ["n1", "n2"] {
                    let found = desk.ask(Self.read, as: reader)["value"]?.intValue ?? 0
                    #expect(found >= seen[reader] ?? 0)
                    #expect(found > value - Int64(SequentialStore.stateCount))
                    seen[reader] = found
                    if found < value { stale += 1 }
                }
            }
        }
        #expect(stale > 500)
    }

    @Test func aSequentialStoreSwapsOnTheNewestState() throws {
        var desk = try Desk("seq-kv")
        _ = desk.ask(Self.write(0), as: "n0")
        // Whoever swaps has to win against everybody else, however old what they see is.
        var wins = 0
        for round in 0..<200 {
            let node = "n\(round % 3)"
            guard let value = desk.ask(Self.read, as: node)["value"]?.intValue else { continue }
            if desk.ask(Self.swap(.int(value), .int(value + 1)), as: node)["type"] == "cas_ok" {
                wins += 1
            }
        }
        _ = desk.ask(Self.write("end"), as: "n0")
        #expect(wins > 20 && wins < 200)
    }

    @Test func aLastWriteWinsStoreLosesWritesButAgreesInTheEnd() throws {
        var lost = 0
        for seed in 0..<30 as Range<UInt64> {
            var desk = try Desk("lww-kv", seed: Seed(seed))
            _ = desk.ask(Self.write(1), as: "n1")
            _ = desk.ask(Self.write(2), as: "n2")
            if desk.ask(Self.read, as: "n2")["value"] != 2 { lost += 1 }
            // Replicas tell each other with every request, so they agree soon.
            for _ in 0..<40 { _ = desk.ask(Self.read) }
            let settled = Set((0..<20).map { _ in desk.ask(Self.read)["value"] })
            #expect(settled.count == 1)
        }
        #expect(lost > 0)
    }

    @Test func anOracleCounts() throws {
        var desk = try Desk("lin-tso")
        #expect((0..<3).map { desk.ask(["type": "ts"], as: "n\($0)")["ts"] } == [0, 1, 2])
        #expect(desk.ask(Self.read)["code"] == 10)
    }

    @Test func theSameSeedGivesTheSameAnswers() throws {
        func answers(_ seed: UInt64) throws -> [JSONValue?] {
            var desk = try Desk("seq-kv", seed: Seed(seed))
            return (0..<60).map { round in
                _ = desk.ask(Self.write(.int(Int64(round))), as: "n1")
                return desk.ask(Self.read, as: "n2")["value"]
            }
        }
        #expect(try answers(1) == answers(1))
        #expect(try answers(1) != answers(2))
    }
}
