import ChaosCheckers
import ChaosCore
import Testing

@Suite("Reading histories")
struct HistoryReadingTests {
    private let jepsen = """
        {:type :invoke, :f :txn, :value [[:append 9 1] [:r 9 nil]], :process 0, :time 5, :index 0}
        {:type :info, :f :start-partition, :value nil, :process :nemesis, :time 6, :index 1}
        {:type :ok, :f :txn, :value [[:append 9 1] [:r 9 [1]]], :process 0, :time 7, :index 2}
        """

    @Test func readsJepsensEDN() throws {
        let history = try History(parsing: self.jepsen)
        #expect(history.operations.map(\.index) == [0, 2])
        #expect(history.operations.map(\.kind) == [.invoke, .ok])
        #expect(history.operations[1].function == "txn")
        #expect(history.operations[1].value == [["append", 9, 1], ["r", 9, [1]]])
        #expect(history.operations[1].time == Instant(nanoseconds: 7))
    }

    @Test(arguments: ["[", "("])
    func readsAVectorOfMaps(open: String) throws {
        let close = open == "[" ? "]" : ")"
        let history = try History(parsing: "  \(open)\(self.jepsen)\(close)\n; the end")
        #expect(try history == History(parsing: self.jepsen))
    }

    @Test func readsTaggedOperations() throws {
        let text =
            "#jepsen.history.Op{:index 0, :time 1, :type :ok, :process 2, :f :read, :value #{1}}"
        let operation = try #require(try History(parsing: text).operations.first)
        #expect(operation.process == 2)
        #expect(operation.value == [1])
    }

    @Test func readsElleCLIsJSON() throws {
        let text = """
            [{"index":1,"process":1,"type":"invoke","value":[["append",253,1]]},
             {"index":2,"process":1,"type":":ok","f":":txn","value":[["append",253,1]]}]
            """
        let history = try History(parsing: text)
        #expect(history.operations.map(\.function) == ["txn", "txn"])
        #expect(history.operations.map(\.index) == [1, 2])
        #expect(history.operations.map(\.kind) == [.invoke, .ok])
    }

    @Test func readsJepsensText() throws {
        let text = """
            INFO  jepsen.core - Running test
            INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]
            INFO  jepsen.util - :nemesis\t:info\t:start\tnil
            0\t:info\t:cas\t:timed-out
            """
        let history = try History(parsing: text)
        #expect(history.operations.map(\.kind) == [.invoke, .info])
        #expect(history.operations.map(\.value) == [[1, 2], "timed-out"])
    }

    @Test func readsTheEDNItWrote() throws {
        var script = HistoryScript.faultless
        script.operation("txn", [["r", "x\n\"é😀", nil], ["append", 1, 2.5]], .info, true)
        script.operation("echo", ["a": 1, "b c": [nil, -3]], .fail, "no")
        #expect(try History(parsing: script.history.edn) == script.history)
    }

    @Test(
        arguments: [
            ("nil", .null), ("-7", -7), ("+7", 7), ("2.5", 2.5), ("1e3", 1000.0), ("3N", 3),
            ("123456789012345678901", "123456789012345678901"), ("22/7", "22/7"), ("2.5M", 2.5),
            (":a/b", "a/b"), ("sym", "sym"), ("\\newline", "\n"), ("\\a", "a"), ("\\(", "("),
            ("##Inf", "Inf"), ("#inst \"2020\"", "2020"), ("#{1 2}", [1, 2]), ("(1, 2)", [1, 2]),
            ("[1 #_ 2 3]", [1, 3]), ("{0 [[1 2]] :k nil}", ["0": [[1, 2]], "k": nil]),
            (#""\u00e9\t""#, "é\t"), ("[] ; comment", []),
        ] as [(String, JSONValue)])
    func readsEDNValues(text: String, value: JSONValue) throws {
        let event = "{:process 0 :type :ok :f :read :value \(text)\n}"
        #expect(try History(parsing: event).operations.map(\.value) == [value])
    }

    @Test(arguments: [
        ("{:type :ok", "line 1, column 1: a list that starts here needs its '}'"),
        ("{:type}", "line 1, column 1: a map needs a value for every key"),
        (
            "{:type :ok :process 0\n :value \"abc}",
            "line 2, column 9: a string that starts here needs its closing quote"
        ),
        (
            "{:type :ok :value 12x}",
            "line 1, column 19: a number must be whole, a ratio or a decimal, found '12x'"
        ),
        ("{:type :ok :value ]}", "line 1, column 19: a value must follow"),
        ("[{:type :ok :process 0 :f :read}", "line 1, column 33: a list must end with ']' or ')'"),
        (
            "[{:type :ok :process 0 :f :read}] 5",
            "line 1, column 35: nothing may follow the list of events"
        ),
        ("{:process 0 :f :read}", "line 1: 'type' must be a string"),
        (
            "\n{:type :done :process 0}",
            "line 2: 'type' must be invoke, ok, fail or info, found 'done'"
        ),
        ("{:type :ok :f :read}", "line 1: 'process' must be a whole number from 0 up"),
        ("{:type :ok :process -1}", "line 1: 'process' must be a whole number from 0 up"),
        (
            "{:type :ok :process 1 :index 4}\n{:type :ok :process 1 :index 4}",
            "line 2: 'index' must grow, found 4 after 4"
        ),
        ("[{\"type\":\"ok\",\"process\":1},\n{\"type\":}]", "line 2: byte "),
        ("[{\"type\":\"ok\",\"process\":1},]", "line 1: an event must stand between commas"),
        ("hello", "line 1: a history is JSON lines, a JSON array, EDN or Jepsen's history.txt"),
    ])
    func namesThePlaceOfAMistake(text: String, message: String) {
        #expect {
            _ = try History(parsing: text)
        } throws: {
            "\($0)".hasPrefix(message)
        }
    }

    @Test func nestsOnlySoDeep() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: HistoryError.self) { try History(parsingEDN: text) }
        #expect(throws: HistoryError.self) { try History(parsingJSONArray: text) }
    }

    /// Whatever the bytes are, reading ends with a history or one sentence.
    @Test func survivesAnyText() {
        let good = [
            self.jepsen, "[\(self.jepsen)]", HistoryScript.faultless.history.jsonLines,
            "0\t:invoke\t:cas\t[1 2]\n", "[{\"type\":\"ok\",\"process\":1}]",
        ]
        var generator = Seed(1).generator
        let alphabet = Array("{}[]()#_:;\"\\ \n\t,0123456789abnil-+./^~é\u{0}".utf8)
        var failures = 0
        for round in 0..<4_000 {
            var bytes = Array(good[round % good.count].utf8)
            for _ in 0...generator.next(below: 4) {
                let place = generator.next(below: bytes.count)
                switch generator.next(below: 3) {
                case 0: bytes[place] = alphabet[generator.next(below: alphabet.count)]
                case 1: bytes.insert(alphabet[generator.next(below: alphabet.count)], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            do throws(HistoryError) {
                _ = try History(parsing: String(decoding: bytes, as: UTF8.self))
            } catch {
                failures += 1
                #expect(error.line >= 1 && !error.rule.isEmpty && !error.rule.contains("\n"))
            }
        }
        #expect(failures > 1_000)
    }
}
