import ChaosCheckers
import ChaosCore
import Testing

@Suite("History")
struct HistoryTests {
    private var samples: History {
        var samples = HistoryScript.faultless
        samples.operation("txn", [["r", "x\n\"é😀", nil], ["append", 1, 2.5]], .info, true)
        samples.operation("echo", ["a": 1, "b c": [nil]], .fail, "no")
        var history = samples.history
        var last = history.operations[0]
        last.index = history.operations.count
        last.error = "timeout after 5s"
        history.append(last)
        return history
    }

    @Test func readsTheJSONLinesItWrote() throws {
        let text = self.samples.jsonLines
        let read = try History(parsingJSONLines: text)
        #expect(read == self.samples)
        #expect(read.jsonLines == text)
    }

    @Test func writesOneEventALine() {
        let operation = Operation(
            index: 3, process: 1, kind: .ok, function: "read", value: [1, 2],
            time: Instant(nanoseconds: 42), node: "n1", isFinal: true)
        let start = #"{"index":3,"process":1,"type":"ok","f":"read","value":[1,2],"time":42"#
        #expect(operation.jsonLine == start + #","node":"n1","final":true}"#)
        #expect(
            operation.edn
                == "{:process 1, :type :ok, :f :read, :value [1 2], :time 42, :index 3,"
                + #" :node "n1", :final? true}"#)
    }

    @Test(
        arguments: [
            (JSONValue.null, "nil"), (true, "true"), (-5, "-5"), (2.5, "2.5"),
            ("a\"b\\c\nd", #""a\"b\\c\nd""#), ([["append", 1, nil]], #"[["append" 1 nil]]"#),
            (["from": 1, "2x": [3]], #"{:from 1, "2x" [3]}"#), ([], "[]"), ([:], "{}"),
        ] as [(JSONValue, String)])
    func writesValuesAsEDN(value: JSONValue, edn: String) {
        #expect(value.edn == edn)
    }

    @Test(arguments: [
        ("nonsense", "line 1: byte 0: a value must be an object"),
        ("\n{}", "line 2: 'type' must be a string"),
        (
            #"{"index":0,"process":0,"type":"done","f":"read","time":0}"#,
            "line 1: 'type' must be invoke, ok, fail or info, found 'done'"
        ),
        (
            #"{"index":0,"process":0,"type":"ok","f":"read","time":-1}"#,
            "line 1: 'time' must be a whole number from 0 up"
        ),
    ])
    func namesTheLineThatIsNoEvent(text: String, message: String) {
        #expect {
            _ = try History(parsingJSONLines: text)
        } throws: {
            "\($0)".hasPrefix(message)
        }
    }

    @Test func pairsInvocationsWithCompletions() {
        let kinds: [(Int, Operation.Kind)] = [
            (0, .invoke), (1, .invoke), (1, .ok), (0, .info), (2, .invoke), (3, .ok),
        ]
        let history = History(
            kinds.enumerated().map { index, event in
                Operation(
                    index: index, process: event.0, kind: event.1, function: "read", time: .start)
            })
        let pairs = history.invocations
        #expect(pairs.map(\.begin.index) == [0, 1, 4])
        #expect(pairs.map { $0.end?.index } == [3, 2, nil])
        #expect(pairs.map(\.outcome) == [.info, .ok, .info])
    }
}
