import ChaosCheckers
import ChaosCore
import Testing

@Suite("Kafka logs")
struct LogCheckerTests {
    /// A log service that works, and clients that send to it and poll it.
    private static func simulated(_ seed: UInt64, clients: Int = 4, count: Int = 120) -> History {
        var generator = Seed(seed).derived("logs").generator
        var history = History()
        let keys = ["a", "b", "c"]
        var logs: [[Int64]] = [[], [], []]
        var next: Int64 = 0
        var places = Array(repeating: [0, 0, 0], count: clients)
        func event(_ process: Int, _ kind: Operation.Kind, _ function: String, _ value: JSONValue) {
            let index = history.operations.count
            history.append(
                Operation(
                    index: index, process: process, kind: kind, function: function, value: value,
                    time: Instant(nanoseconds: Int64(index))))
        }
        func poll(_ client: Int) {
            event(client, .invoke, "poll", [["poll"]])
            var shown: [(key: String, value: JSONValue)] = []
            for key in 0..<3 where places[client][key] < logs[key].count {
                let end = min(logs[key].count, places[client][key] + 3)
                let records = (places[client][key]..<end).map { offset -> JSONValue in
                    [.int(Int64(offset) * 2), .int(logs[key][offset])]
                }
                places[client][key] = end
                shown.append((keys[key], .array(records)))
            }
            event(client, .ok, "poll", [["poll", .object(JSONObject(shown))]])
        }
        for client in 0..<clients {
            let all = JSONValue.array(keys.map { .string($0) })
            event(client, .invoke, "assign", all)
            event(client, .ok, "assign", all)
        }
        for _ in 0..<count {
            let client = generator.next(below: clients)
            if generator.next(below: 2) == 0 {
                poll(client)
                continue
            }
            next += 1
            let key = generator.next(below: 3)
            event(client, .invoke, "send", [["send", .string(keys[key]), .int(next)]])
            switch generator.next(below: 20) {
            case 0: event(client, .fail, "send", [["send", .string(keys[key]), .int(next)]])
            case 1:
                // Nobody knows, and it was appended.
                logs[key].append(next)
                event(client, .info, "send", [["send", .string(keys[key]), .int(next)]])
            default:
                let offset = Int64(logs[key].count) * 2
                logs[key].append(next)
                event(
                    client, .ok, "send",
                    [["send", .string(keys[key]), [.int(offset), .int(next)]]])
            }
        }
        // Everybody polls until it has seen everything.
        for client in 0..<clients {
            while (0..<3).contains(where: { places[client][$0] < logs[$0].count }) { poll(client) }
        }
        return history
    }

    @Test func acceptsALogServiceThatWorks() {
        for seed in 0..<UInt64(40) {
            let finding = LogChecker().check(Self.simulated(seed))
            #expect(
                finding.verdict == .valid, "seed \(seed): \(finding.summary) \(finding.evidence)")
        }
    }

    private static let cases: [(name: String, script: String)] = [
        (
            "inconsistent-offsets",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[0,1]]]
            2 1 call send [["send","k",2]]
            3 1 ok send [["send","k",[0,2]]]
            4 2 run poll [["poll",{"k":[[0,1]]}]]
            4 3 run poll [["poll",{"k":[[0,2]]}]]
            """
        ),
        (
            "duplicate",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[0,1]]]
            4 2 run poll [["poll",{"k":[[0,1],[1,1]]}]]
            """
        ),
        (
            "lost-write",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[0,1]]]
            2 0 call send [["send","k",2]]
            3 0 ok send [["send","k",[1,2]]]
            4 2 run poll [["poll",{"k":[[1,2]]}]]
            """
        ),
        (
            "unseen",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[0,1]]]
            2 0 call send [["send","k",2]]
            3 0 ok send [["send","k",[1,2]]]
            4 2 run poll [["poll",{"k":[[0,1]]}]]
            """
        ),
        (
            "G1a",
            """
            0 0 call send [["send","k",1]]
            1 0 fail send [["send","k",1]]
            2 0 call send [["send","k",2]]
            3 0 ok send [["send","k",[1,2]]]
            4 2 run poll [["poll",{"k":[[0,1],[1,2]]}]]
            """
        ),
        (
            "garbage-read",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[0,1]]]
            4 2 run poll [["poll",{"k":[[0,1],[1,9]]}]]
            """
        ),
        (
            "poll-skip",
            """
            0 0 call send [["send","k",1],["send","k",2],["send","k",3]]
            1 0 ok send [["send","k",[0,1]],["send","k",[1,2]],["send","k",[2,3]]]
            2 1 run poll [["poll",{"k":[[0,1]]}]]
            3 1 run poll [["poll",{"k":[[2,3]]}]]
            4 2 run poll [["poll",{"k":[[0,1],[1,2],[2,3]]}]]
            """
        ),
        (
            "nonmonotonic-poll",
            """
            0 0 call send [["send","k",1],["send","k",2]]
            1 0 ok send [["send","k",[0,1]],["send","k",[1,2]]]
            2 1 run poll [["poll",{"k":[[0,1],[1,2]]}]]
            3 1 run poll [["poll",{"k":[[0,1]]}]]
            """
        ),
        (
            "int-poll-skip",
            """
            0 0 call send [["send","k",1],["send","k",2],["send","k",3]]
            1 0 ok send [["send","k",[0,1]],["send","k",[1,2]],["send","k",[2,3]]]
            2 1 run poll [["poll",{"k":[[0,1],[2,3]]}]]
            4 2 run poll [["poll",{"k":[[0,1],[1,2],[2,3]]}]]
            """
        ),
        (
            "int-nonmonotonic-poll",
            """
            0 0 call send [["send","k",1],["send","k",2]]
            1 0 ok send [["send","k",[0,1]],["send","k",[1,2]]]
            2 1 run poll [["poll",{"k":[[1,2],[0,1]]}]]
            """
        ),
        (
            "nonmonotonic-send",
            """
            0 0 call send [["send","k",1]]
            1 0 ok send [["send","k",[5,1]]]
            2 0 call send [["send","k",2]]
            3 0 ok send [["send","k",[3,2]]]
            4 1 run poll [["poll",{"k":[[3,2],[5,1]]}]]
            """
        ),
        (
            "int-nonmonotonic-send",
            """
            0 0 call send [["send","k",1],["send","k",2]]
            1 0 ok send [["send","k",[5,1]],["send","k",[3,2]]]
            4 1 run poll [["poll",{"k":[[3,2],[5,1]]}]]
            """
        ),
        (
            "precommitted-read",
            """
            0 0 call txn [["send","k",1],["poll"]]
            1 0 ok txn [["send","k",[0,1]],["poll",{"k":[[0,1]]}]]
            """
        ),
        (
            "G1c",
            """
            0 0 call txn [["send","a",1],["poll"]]
            0 1 call txn [["send","b",2],["poll"]]
            1 0 ok txn [["send","a",[0,1]],["poll",{"b":[[0,2]]}]]
            1 1 ok txn [["send","b",[0,2]],["poll",{"a":[[0,1]]}]]
            """
        ),
    ]

    @Test(arguments: Self.cases.indices)
    func namesEachAnomaly(index: Int) throws {
        let (name, script) = Self.cases[index]
        let finding = LogChecker().check(try events(script))
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies == [name], "\(finding.evidence)")
    }

    @Test func anAssignmentStartsAnew() throws {
        let script = """
            0 0 call send [["send","k",1],["send","k",2]]
            1 0 ok send [["send","k",[0,1]],["send","k",[1,2]]]
            2 1 run assign ["k"]
            2 1 run poll [["poll",{"k":[[0,1],[1,2]]}]]
            3 1 run assign ["other"]
            4 1 run assign ["k"]
            5 1 run poll [["poll",{"k":[[0,1]]}]]
            """
        #expect(LogChecker().check(try events(script)).verdict == .valid)
    }

    @Test func explainsWhatWasLost() throws {
        let finding = LogChecker().check(try events(Self.cases[2].script))
        #expect(
            finding.evidence == [
                "lost-write: 1 was sent to k by process 0 at index 1, and polls went past its offset 0 without it"
            ])
    }

    @Test func rejectsMutations() throws {
        for seed in 0..<UInt64(20) {
            let history = Self.simulated(seed)
            // One record vanishes from every poll.
            let sent = history.operations.last { $0.kind == .ok && $0.function == "send" }
            let step = try #require(sent?.value.arrayValue?.first?.arrayValue)
            let victim = try #require(step[2].arrayValue?[1])
            var operations = history.operations
            for index in operations.indices where operations[index].function == "poll" {
                guard operations[index].kind == .ok,
                    let shown = operations[index].value.arrayValue?[0].arrayValue?[1].objectValue
                else { continue }
                let members = shown.members.map { member in
                    (
                        key: member.key,
                        value: JSONValue.array(
                            (member.value.arrayValue ?? []).filter { $0.arrayValue?[1] != victim })
                    )
                }
                operations[index].value = [["poll", .object(JSONObject(members))]]
            }
            let finding = LogChecker().check(History(operations))
            #expect(finding.verdict == .invalid)
            #expect(
                finding.anomalies.contains("lost-write") || finding.anomalies.contains("unseen"),
                "\(finding.anomalies)")
        }
    }

    @Test func isUnknownWithoutSendsOrPolls() throws {
        #expect(LogChecker().check(History()).verdict == .unknown)
        let sendOnly = "0 0 call send [[\"send\",\"k\",1]]\n1 0 info send [[\"send\",\"k\",1]]"
        #expect(LogChecker().check(try events(sendOnly)).verdict == .unknown)
    }
}
