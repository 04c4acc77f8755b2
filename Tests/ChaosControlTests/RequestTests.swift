import ChaosControl
import ChaosCore
import ChaosScenario
import Testing

@Suite("Requests")
struct RequestTests {
    private func read(_ text: String) throws -> Request {
        try Request(json: try JSONValue(parsing: text))
    }

    @Test func readsEveryExampleOfAnOperation() throws {
        for operation in ControlOperation.allCases {
            #expect(throws: Never.self) { try self.read(operation.example) }
        }
    }

    @Test func aCommandReadsBackFromWhatItWrites() throws {
        let commands: [Command] = [
            .partition(
                try Partition(parsing: "n1 / n2 n3"), mode: .drop, ports: ["peer"],
                lease: .seconds(10)),
            .partition(try Partition(parsing: "isolate n2"), mode: nil, ports: [], lease: nil),
            .heal(nil), .heal("p1"),
            .hold([try LinkPattern(parsing: "n1->n2")], lease: .milliseconds(1500)),
            .release(.all), .release(.links([try LinkPattern(parsing: "n1<->n2:peer")])),
            .set(
                try LinkPattern(parsing: "*->n3"),
                [.delay(.init(latency: .milliseconds(100), jitter: .milliseconds(10)))],
                lease: nil),
            .clear(.injection("f3")), .clear(.links([try LinkPattern(parsing: "n1->n2")])),
            .process(.pause, try NodePattern(parsing: "n1..n2")), .status(),
            .status(onlyBusy: true), .end,
            .capture([try LinkPattern(parsing: "n1->n2")], file: "a.pcapng", lease: .seconds(1)),
            .endCapture("c1"),
        ]
        for command in commands {
            let json = JSONValue.object(command.json)
            #expect(try Request(json: json) == .command(command))
        }
    }

    @Test func readsGroupsAsListsToo() throws {
        let text = try self.read(#"{"op":"partition","partition":"n1 / n2 n3"}"#)
        let lists = try self.read(#"{"op":"partition","partition":[["n1"],["n2","n3"]]}"#)
        #expect(text == lists)
    }

    @Test func isolateIsAPartition() throws {
        let request = try self.read(#"{"op":"isolate","nodes":["n1","n2"],"mode":"reject"}"#)
        let partition = try Partition(parsing: "isolate n1 n2")
        #expect(
            request
                == .command(.partition(partition, mode: .reject, ports: [], lease: nil)))
    }

    @Test(
        "says what is wrong",
        arguments: [
            (#"[1]"#, "a request is a JSON object, found '[1]'", #"for example {"op":"status"}"#),
            (#"{}"#, "a request names its operation in 'op'", #"for example {"op":"status"}"#),
            (
                #"{"op":"stauts"}"#, "there is no such operation, found 'stauts'",
                "did you mean 'status'?"
            ),
            (
                #"{"op":"partition","partition":"n1 / n2","modes":"drop"}"#,
                "'partition' has no field 'modes'", "did you mean 'mode'?"
            ),
            (#"{"op":"status","x":1}"#, "'status' has no field 'x'", "known are links"),
            (#"{"op":"ping","x":1}"#, "'ping' has no field 'x'", nil),
            (
                #"{"op":"status","links":"some"}"#, "links: 'all' or 'busy', found 'some'",
                "busy are those with traffic, cuts or faults"
            ),
            (
                #"{"op":"partition"}"#, "'partition' needs 'partition'",
                #"for example {"op":"partition","partition":"n1 / n2 n3","mode":"drop","for":"10s"}"#
            ),
            (
                #"{"op":"partition","partition":"n1"}"#,
                "partition: a partition has at least two groups, as in 'n1 / n2 n3', found 'n1'",
                "write 'isolate n1' to cut nodes off"
            ),
            (
                #"{"op":"partition","partition":"n1 / n2","mode":"dorp"}"#,
                "mode: there is no such mode, found 'dorp'", "did you mean 'drop'?"
            ),
            (
                #"{"op":"partition","partition":"n1 / n2","for":"10"}"#,
                "for: a duration is a number with a unit (ns us ms s m h), found '10'",
                "write '10ms' or '10s'"
            ),
            (
                #"{"op":"partition","partition":"n1 / n2","for":"0s"}"#,
                "for: longer than no time, found '0s'", nil
            ),
            (#"{"op":"heal","injection":7}"#, "injection: a text, found '7'", nil),
            (
                #"{"op":"heal","injection":"n1->n2"}"#,
                "injection: an injection's id is written like 'p1' or 'f3', found 'n1->n2'", nil
            ),
            (
                #"{"op":"set","link":"n1-n2","faults":["delay=1ms"]}"#,
                "link: a link is written like 'n1->n2', 'n1<->n2' or '*->n3:peer', found 'n1-n2'",
                nil
            ),
            (
                #"{"op":"set","link":"n1->n2","faults":["dealy=1ms"]}"#,
                "faults: there is no such fault, found 'dealy'", "did you mean 'delay'?"
            ),
            (
                #"{"op":"set","link":"n1->n2","faults":[]}"#, "faults: a list of texts, found '[]'",
                #"for example {"op":"set","link":"n1->n2","faults":["delay=100ms,10ms","loss=5%"]}"#
            ),
            (
                #"{"op":"clear","injection":"f1","link":"n1->n2"}"#,
                "'clear' takes 'injection' or 'link', not both", nil
            ),
            (
                #"{"op":"kill"}"#, "'kill' needs 'nodes'",
                #"for example {"op":"kill","nodes":["n1"]}"#
            ),
        ] as [(String, String, String?)])
    func mistakes(text: String, message: String, hint: String?) throws {
        let error = try #require(throws: CommandError.self) { try self.read(text) }
        #expect(error.message == message)
        #expect(error.hint == hint)
    }

    @Test(
        "refuses names that the run does not have",
        arguments: [
            (
                #"{"op":"kill","nodes":["n9"]}"#, "a node is one of the run's, found 'n9'",
                "known are n1, n2, n3"
            ),
            (
                #"{"op":"kill","nodes":["eu-*"]}"#,
                "a pattern matches at least one node, found 'eu-*'", "known are n1, n2, n3"
            ),
            (
                #"{"op":"kill","nodes":["client"]}"#, "a node is one of the run's, found 'client'",
                "known are n1, n2, n3"
            ),
            (
                #"{"op":"partition","partition":"n1 / node2"}"#,
                "a node is one of the run's, found 'node2'", "known are n1, n2, n3"
            ),
            (
                #"{"op":"partition","partition":"n1 / n2","ports":["pear"]}"#,
                "a port is one of the run's, found 'pear'", "did you mean 'peer'?"
            ),
            (
                #"{"op":"set","link":"n1->n1","faults":["delay=1ms"]}"#,
                "a link joins two different nodes, found 'n1->n1'", nil
            ),
            (
                #"{"op":"hold","links":["n1->n2:peers"]}"#,
                "a port is one of the run's, found 'peers'", "did you mean 'peer'?"
            ),
        ] as [(String, String, String?)])
    func unknownNames(text: String, message: String, hint: String?) throws {
        guard case .command(let command) = try self.read(text) else {
            Issue.record("a command")
            return
        }
        let error = try #require(throws: CommandError.self) {
            try command.validate(nodes: BookkeepingRun.nodes, ports: BookkeepingRun.ports)
        }
        #expect(error == CommandError(.notFound, message, hint: hint))
    }

    @Test func linksToClientsAndGlobsExist() throws {
        for text in ["client->n1", "n1->client", "*->n3:peer", "n1..n2<->n3"] {
            let command = Command.hold([try LinkPattern(parsing: text)], lease: nil)
            #expect(throws: Never.self) {
                try command.validate(nodes: BookkeepingRun.nodes, ports: BookkeepingRun.ports)
            }
        }
    }
}
