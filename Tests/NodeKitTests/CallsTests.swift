import ChaosCore
import NodeKit
import Testing

/// Asks `n2` what clients ask it, and says how that went.
private struct Asker: CallingNode {
    var calls = Calls<Asker>()

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let request) = input else { return [] }
        let policy: CallPolicy =
            request.type == "once"
            ? .once(within: .seconds(1))
            : .repeated(every: .milliseconds(100), within: .seconds(1))
        return self.call("n2", ["type": "question"], policy) { node, answer, now in
            let text: String
            switch answer {
            case .reply(let message): text = message.type
            case .error(let code, let reason): text = "error \(code.rawValue) \(reason)"
            case .timeout: text = "timeout at \(now)"
            }
            return [
                .reply(to: request, ["type": .string(text), "open": .int(Int64(node.calls.count))])
            ]
        }
    }
}

@Suite("Calls")
struct CallsTests {
    private func host(_ life: NodeLife = NodeLife(start: 3, records: [])) -> NodeHost {
        var host = NodeHost(Asker(), seed: 1)
        host.life = life
        _ = host.start(id: "n1", members: ["n1", "n2"], at: .zero)
        return host
    }

    private func ask(_ type: String) -> Message {
        Message(from: "c1", to: "n1", body: ["type": .string(type), "msg_id": 1])
    }

    private func sent(_ outputs: [NodeHost.Output]) -> [Message] {
        outputs.compactMap { output in
            if case .send(let message) = output { return message }
            return nil
        }
    }

    private func answer(_ request: Message, _ body: JSONObject, from source: String = "n2")
        -> Message
    {
        var body = body
        body["in_reply_to"] = request["msg_id"]
        return Message(from: source, to: "n1", body: body)
    }

    @Test func goesOnWithTheAnswerOnce() {
        var host = self.host()
        let question = self.sent(host.receive(self.ask("once"), at: .zero))[0]
        #expect(question.destination == "n2")
        // The third life's first number.
        #expect(question.id == Int64(3 * 4_294_967_296 + 1))
        let reply = self.answer(question, ["type": "yes"])
        let stranger = self.answer(question, ["type": "yes"], from: "n3")
        #expect(host.receive(stranger, at: .milliseconds(1)).isEmpty)
        let said = self.sent(host.receive(reply, at: .milliseconds(2)))
        #expect(said.map(\.body) == [["type": "yes", "open": 0, "in_reply_to": 1]])
        #expect(host.receive(reply, at: .milliseconds(3)).isEmpty)
    }

    @Test func tellsOfErrors() {
        var host = self.host()
        let question = self.sent(host.receive(self.ask("once"), at: .zero))[0]
        let error = self.answer(question, ["type": "error", "code": 20, "text": "no key"])
        let said = self.sent(host.receive(error, at: .milliseconds(1)))
        #expect(said.map(\.type) == ["error 20 no key"])
    }

    @Test func givesUpAtTheDeadlineAndIgnoresWhatComesLater() {
        var host = self.host()
        let question = self.sent(host.receive(self.ask("once"), at: .milliseconds(5)))[0]
        #expect(host.deadline == .milliseconds(1005))
        #expect(host.fireTimers(at: .milliseconds(1004)).isEmpty)
        let said = self.sent(host.fireTimers(at: .milliseconds(1005)))
        #expect(said.map(\.type) == ["timeout at 1.005 seconds"])
        #expect(host.deadline == nil)
        let late = self.answer(question, ["type": "yes"])
        #expect(host.receive(late, at: .milliseconds(1006)).isEmpty)
    }

    @Test func repeatsTheSameRequestWithGrowingWaits() {
        var host = self.host()
        let question = self.sent(host.receive(self.ask("repeated"), at: .zero))[0]
        var times: [Duration] = []
        while let deadline = host.deadline, times.count < 20 {
            let messages = self.sent(host.fireTimers(at: deadline))
            if messages.first?.destination == "c1" { break }
            #expect(messages.map(\.body) == [question.body])
            times.append(deadline)
        }
        let waits = zip(times, [.zero] + times).map { $0 - $1 }
        // 100 ms, then 200, 400, …, each from half to one and a half times that.
        for (index, wait) in waits.enumerated() {
            let mean = Duration.milliseconds(100) * (1 << min(index, 3))
            #expect(wait >= mean / 2 && wait <= mean * 3 / 2, "wait \(index) is \(wait)")
        }
        #expect((2...4).contains(times.count))
    }

    @Test func numbersOfTwoLivesDiffer() {
        var first = self.host(NodeLife(start: 1, records: []))
        var second = self.host(NodeLife(start: 2, records: []))
        let ids = [
            self.sent(first.receive(self.ask("once"), at: .zero))[0].id,
            self.sent(second.receive(self.ask("once"), at: .zero))[0].id,
        ]
        #expect(ids[0] != ids[1])
    }

    @Test func answersAreKnownByWhoAskedWhat() {
        var cache = AnswerCache(limit: 3)
        func request(_ id: Int64, from source: String = "c1", _ key: String = "x") -> Message {
            Message(
                from: source, to: "n1",
                body: ["type": "add", "key": .string(key), "msg_id": .int(id)])
        }
        #expect(cache.admit(request(1)) == .new)
        #expect(cache.admit(request(1)) == .pending)
        cache.note(["type": "add_ok"], for: request(1))
        #expect(cache.admit(request(1)) == .answered(["type": "add_ok"]))
        #expect(cache.isAnswered(request(1)))
        // Another client, number, or text is another request.
        #expect(cache.admit(request(1, from: "c2")) == .new)
        #expect(cache.admit(request(1, "y")) == .new)
        #expect(!cache.isAnswered(request(1, "y")))
        // The fourth makes it forget the first.
        #expect(cache.admit(request(2)) == .new)
        #expect(cache.admit(request(1)) == .new)
        // Without a number nothing is known.
        let unnumbered = Message(from: "c1", to: "n1", body: ["type": "add"])
        #expect(cache.admit(unnumbered) == .new)
        #expect(cache.admit(unnumbered) == .new)
    }

    @Test func forgettingARequestMakesItNew() {
        var cache = AnswerCache()
        let request = Message(from: "c1", to: "n1", body: ["type": "add", "msg_id": 1])
        #expect(cache.admit(request) == .new)
        cache.forget(request)
        #expect(cache.admit(request) == .new)
    }
}
