import NodeKit
import Testing

/// Calls, monitors and links between processes of two nodes, in virtual time.
@Suite struct ProcessTests {
    /// Answers, is silent, or crashes, as it is asked.
    private struct Server: Behaviour {
        mutating func handle(
            _ mail: Mail, _ context: inout ProcessContext
        ) throws(ProcessExit) {
            guard case .call(let body, let caller) = mail else { return }
            switch body["type"]?.stringValue {
            case "echo": context.reply(caller, ["said": body["say"] ?? nil])
            case "crash": throw .crash("asked to")
            default: break
            }
        }
    }

    /// Asks and watches at once, and writes down what comes of it.
    private struct Client: Behaviour {
        let target: ProcessAddress
        let question: JSONObject
        var isMonitoring = false

        mutating func handle(
            _ mail: Mail, _ context: inout ProcessContext
        ) throws(ProcessExit) {
            switch mail {
            case .started:
                if self.isMonitoring { _ = context.monitor(self.target) }
                if !self.question.members.isEmpty {
                    _ = context.call(self.target, self.question, within: .seconds(1))
                }
            case .answer(_, .reply(let body)): context.append(.object(body))
            case .answer(_, .timeout): context.append("timeout")
            case .answer(_, .exited(let reason)): context.append(.string("exited \(reason)"))
            case .down(_, _, let reason): context.append(.string("down \(reason)"))
            default: break
            }
        }
    }

    /// Two tables and the messages between them.
    private struct Pair {
        var tables = ["n1": ProcessTable(), "n2": ProcessTable()]
        var seen: [JSONValue] = []
        var loses = false
        var now = Duration.zero

        init(connected: Bool = true) {
            for (name, other) in [("n1", "n2"), ("n2", "n1")] {
                self.tables[name]?.start(Membership(id: name, members: ["n1", "n2"], seed: 1))
                if connected { self.tables[name]?.note(.up(other)) }
            }
            self.tables["n2"]?.spawn(Server(), name: "server")
            self.run()
        }

        mutating func run(at now: Duration = .zero) {
            self.now = max(self.now, now)
            var isBusy = true
            while isBusy {
                isBusy = false
                for (name, other) in [("n1", "n2"), ("n2", "n1")] {
                    for effect in self.tables[name]?.run(at: self.now) ?? [] {
                        if case .append(let record) = effect {
                            self.seen.append(record["record"] ?? nil)
                        }
                        guard case .send(_, let body) = effect, !self.loses else { continue }
                        self.tables[other]?.receive(Message(from: name, to: other, body: body))
                        isBusy = true
                    }
                }
            }
        }

        mutating func client(_ question: JSONObject, monitors: Bool = false, at node: String = "n1")
        {
            self.tables[node]?.spawn(
                Client(
                    target: .name("server", on: "n2"), question: question, isMonitoring: monitors),
                name: "client")
            self.run()
        }
    }

    @Test(arguments: ["n1", "n2"])
    func aCallIsAnswered(from node: String) {
        var pair = Pair()
        pair.client(["type": "echo", "say": 7], at: node)
        #expect(pair.seen == [["said": 7]])
    }

    @Test(arguments: ["n1", "n2"])
    func aCallerLearnsAtOnceThatTheProcessDied(from node: String) {
        var pair = Pair()
        pair.client(["type": "crash"], at: node)
        #expect(pair.seen == ["exited crash: asked to"])
    }

    /// Mail waits while its process stands still, and none is lost when it goes on.
    @Test(arguments: ["n1", "n2"])
    func aSuspendedProcessAnswersLater(from node: String) {
        var pair = Pair()
        _ = pair.tables["n2"]?.suspend(named: "server", true)
        pair.client(["type": "echo", "say": 7], at: node)
        #expect(pair.seen.isEmpty)
        _ = pair.tables["n2"]?.suspend(named: "server", false)
        pair.run()
        #expect(pair.seen == [["said": 7]])
        #expect(pair.tables["n2"]?.suspend(named: "nobody", true) == false)
    }

    @Test(arguments: ["n1", "n2"])
    func aSuspendedProcessCanBeEnded(from node: String) {
        var pair = Pair()
        _ = pair.tables["n2"]?.suspend(named: "server", true)
        pair.client(["type": "echo", "say": 7], at: node)
        _ = pair.tables["n2"]?.exit(named: "server", .killed)
        pair.run()
        #expect(pair.seen == ["exited killed"])
    }

    @Test(arguments: ["n1", "n2"])
    func nobodyAnswers(from node: String) {
        var pair = Pair()
        pair.client(["type": "ignore"], at: node)
        #expect(pair.seen.isEmpty)
        pair.run(at: .seconds(1))
        #expect(pair.seen == ["timeout"])
        _ = pair.tables["n2"]?.exit(named: "server", .crash("later"))
        pair.run(at: .seconds(2))
        #expect(pair.seen == ["timeout"])
    }

    @Test func nobodyIsThere() {
        var pair = Pair()
        _ = pair.tables["n2"]?.exit(named: "server", .normal)
        pair.client(["type": "echo"], monitors: true)
        #expect(pair.seen == ["down noproc", "exited noproc"])
    }

    @Test(arguments: [ExitReason.normal, .killed, .crash("x")])
    func oneDownForEachMonitor(_ reason: ExitReason) {
        var pair = Pair()
        pair.client([:], monitors: true)
        _ = pair.tables["n2"]?.exit(named: "server", reason)
        pair.run()
        pair.tables["n1"]?.note(.down("n2"))
        pair.run()
        #expect(pair.seen == [.string("down \(reason)")])
    }

    @Test func anUnreachableNodeIsNoDeadProcess() {
        var pair = Pair()
        pair.client(["type": "ignore"], monitors: true)
        pair.tables["n1"]?.note(.down("n2"))
        pair.run()
        #expect(pair.seen == ["exited noconnection", "down noconnection"])
    }

    @Test func whoIsNotConnectedIsDownAtOnce() {
        var pair = Pair(connected: false)
        pair.client([:], monitors: true)
        #expect(pair.seen == ["down noconnection"])
    }
}
