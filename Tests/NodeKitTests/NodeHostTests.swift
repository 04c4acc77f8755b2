import ChaosCore
import NodeKit
import Testing

/// A node that writes down what happens to it and does what messages tell it.
private struct Diary: Node {
    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            let others = membership.others.joined(separator: " ")
            return [.send(to: "c9", ["type": "started", "others": .string(others)])]
        case .timer(let name):
            let time = now.wholeNanoseconds / 1_000_000
            return [.send(to: "c9", ["type": .string(name), "at": .int(time)])]
        case .message(let message):
            switch message.type {
            case "timer":
                let name = message["name"]?.stringValue ?? ""
                return [.setTimer(name, after: .milliseconds(message["ms"]?.intValue ?? 0))]
            case "self":
                return [.send(to: "n1", ["type": "note"]), .reply(to: message, ["type": "ok"])]
            case "write":
                return [
                    .append(["a"]), .reply(to: message, ["type": "ok"]), .replaceLog(["b", "c"]),
                ]
            case "note": return [.send(to: "n2", ["type": "noted"])]
            default: return [.unsupported(message)]
            }
        }
    }
}

@Suite("Node host")
struct NodeHostTests {
    private func started() -> NodeHost {
        var host = NodeHost(Diary(), seed: 1)
        _ = host.start(id: "n1", members: ["n1", "n2"], at: .zero)
        return host
    }

    private func lines(_ outputs: [NodeHost.Output]) -> [String] {
        outputs.map { output in
            switch output {
            case .send(let message): "\(message.destination) \(JSONValue.object(message.body).text)"
            case .report(let sentence): sentence
            case .append(let record): "append \(record.text)"
            case .replaceLog(let records): "replace \(JSONValue.array(records).text)"
            case .crash(let reason): "crash: \(reason)"
            }
        }
    }

    private func message(_ body: JSONObject, to node: String = "n1") -> Message {
        Message(from: "c1", to: node, body: body)
    }

    @Test func keepsRecordsAndMessagesInOrder() {
        var host = self.started()
        let write = self.message(["type": "write", "msg_id": 7])
        #expect(
            self.lines(host.receive(write, at: .zero)) == [
                #"append ["a"]"#, #"c1 {"type":"ok","in_reply_to":7}"#, #"replace ["b","c"]"#,
            ])
    }

    @Test func randomnessFollowsFromSeedNameAndStart() {
        func numbers(_ life: NodeLife) -> [UInt64] {
            var randomness = Membership(id: "n1", members: [], seed: 1, life: life).randomness
            return [randomness.next(), randomness.next()]
        }
        let first = numbers(NodeLife())
        #expect(numbers(NodeLife(incarnation: 77)) == first)
        #expect(numbers(NodeLife(start: 1, records: [])) == first)
        #expect(numbers(NodeLife(start: 2, records: [])) != first)
    }

    @Test func answersInitAndStartsTheNodeOnce() {
        var host = NodeHost(Diary(), seed: 1)
        let initialize = self.message(
            ["type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]])
        #expect(
            self.lines(host.receive(initialize, at: .zero)) == [
                #"c1 {"type":"init_ok","in_reply_to":1}"#,
                #"c9 {"type":"started","others":"n2 n3"}"#,
            ])
        #expect(
            self.lines(host.receive(initialize, at: .zero)) == [
                #"c1 {"type":"init_ok","in_reply_to":1}"#
            ])
    }

    @Test func refusesRequestsBeforeInit() {
        var host = NodeHost(Diary(), seed: 1)
        let outputs = host.receive(self.message(["type": "self", "msg_id": 4]), at: .zero)
        #expect(
            self.lines(outputs) == [
                #"c1 {"type":"error","code":11,"text":"the node has not been initialised","#
                    + #""in_reply_to":4}"#
            ])
    }

    @Test func bringsMessagesToItselfWithoutANetwork() {
        var host = self.started()
        let outputs = host.receive(self.message(["type": "self", "msg_id": 2]), at: .zero)
        #expect(
            self.lines(outputs) == [
                #"c1 {"type":"ok","in_reply_to":2}"#, #"n2 {"type":"noted"}"#,
            ])
    }

    @Test func firesTimersInOrderAndReplacesThemByName() {
        var host = self.started()
        for (name, ms) in [("a", 30), ("b", 10), ("a", 20), ("c", 20)] {
            let body: JSONObject = ["type": "timer", "name": .string(name), "ms": .int(Int64(ms))]
            _ = host.receive(self.message(body), at: .zero)
        }
        #expect(host.deadline == .milliseconds(10))
        #expect(self.lines(host.fireTimers(at: .milliseconds(9))).isEmpty)
        #expect(
            self.lines(host.fireTimers(at: .milliseconds(25))) == [
                #"c9 {"type":"b","at":25}"#, #"c9 {"type":"a","at":25}"#,
                #"c9 {"type":"c","at":25}"#,
            ])
        #expect(host.deadline == nil)
    }

    /// In slow motion, and in fast, a node sets the same timers and sees the same times.
    @Test(arguments: [0.5, 1, 2])
    func livesInScaledTime(_ scale: Double) {
        var host = NodeHost(Diary(), seed: 1, timeScale: scale)
        _ = host.start(id: "n1", members: ["n1"], at: .zero)
        let body: JSONObject = ["type": "timer", "name": "a", "ms": 20]
        _ = host.receive(self.message(body), at: .milliseconds(40) * scale)
        #expect(host.deadline == .milliseconds(60) * scale)
        #expect(self.lines(host.fireTimers(at: .milliseconds(59) * scale)).isEmpty)
        #expect(
            self.lines(host.fireTimers(at: .milliseconds(60) * scale))
                == [#"c9 {"type":"a","at":60}"#])
    }

    @Test func sendsNoReplyToWhatIsNoRequest() {
        var host = self.started()
        #expect(host.receive(self.message(["type": "unknown"]), at: .zero).isEmpty)
    }

    @Test func reportsMessagesForOthers() {
        var host = self.started()
        let outputs = host.receive(
            self.message(["type": "self", "msg_id": 2], to: "n7"), at: .zero)
        #expect(self.lines(outputs) == ["got a message for 'n7', but this is 'n1'"])
    }
}

@Suite("Peer list")
struct PeerListTests {
    private func text(_ list: PeerList) -> [String] {
        list.peers.map { "\($0.name)=\($0.host):\($0.port)" }
    }

    @Test func readsNamesAndAddresses() throws {
        let list = try PeerList(parsing: "n2=127.77.1.2:7000,n3=[::1]:7001", id: "n1")
        #expect(self.text(list) == ["n2=127.77.1.2:7000", "n3=::1:7001"])
        #expect(try PeerList(parsing: "", id: "n1").peers.isEmpty)
    }

    @Test func namesTheUnnamedByTheirNumbers() throws {
        let list = try PeerList(parsing: "h:1,h:3,h:4", id: "n2")
        #expect(self.text(list) == ["n1=h:1", "n3=h:3", "n4=h:4"])
    }

    @Test(arguments: [
        (
            "h:1", "alpha",
            "a peer is NAME=HOST:PORT, found 'h:1'"
                + "\nhint: names may be left out only when the node's own is like 'n1'"
        ),
        ("n1=h:1", "n1", "a node is not its own peer, found 'n1=h:1'"),
        ("n2=h:1,n2=h:2", "n1", "a peer is named once, found 'n2' again"),
        ("n2=unix:/x", "n1", "peer 'n2': a node listens on HOST:PORT, found 'unix:/x'"),
        (
            "n2=h", "n1",
            "peer 'n2': an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found 'h'"
                + "\nhint: for example '127.0.0.1:5432'"
        ),
    ])
    func explainsWhatItCannotRead(text: String, id: String, message: String) {
        #expect {
            _ = try PeerList(parsing: text, id: id)
        } throws: {
            "\($0)" == message
        }
    }
}
