import ChaosCore
import NodeKit

/// Hands what it is asked for to the owner of the counter, the first node that lives. When the owner is gone, the next
/// one makes a counter of its own, and that one begins at 0.
struct RecreatedCounterNode: CallingNode {
    var calls = Calls<RecreatedCounterNode>()
    private var membership = Membership(id: "", members: [], seed: 0)
    private var watch = PeerWatch(missed: 8)
    private var down: Set<String> = []
    private var count: Int64 = 0

    private var owner: String {
        self.membership.members.first { !self.down.contains($0) } ?? self.membership.id
    }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return self.watch.start(membership)
        case .timer(PeerWatch.timer): return self.take(self.watch.beat(at: now))
        case .timer: return []
        case .message(let message) where message.type == PeerWatch.messageType:
            return self.take(self.watch.receive(message, at: now))
        case .message(let message):
            do {
                let request = try CounterRequest(message, isGrowOnly: false)
                return self.owner == self.membership.id
                    ? [self.serve(request, message)] : self.pass(message)
            } catch {
                return [error.answer]
            }
        }
    }

    private mutating func take(_ told: (effects: [Effect], news: [PeerNews])) -> [Effect] {
        for news in told.news {
            switch news {
            case .up(let node): self.down.remove(node)
            case .down(let node): self.down.insert(node)
            }
        }
        // Whoever is not the owner has no counter.
        if self.owner != self.membership.id { self.count = 0 }
        return told.effects
    }

    private mutating func serve(_ request: CounterRequest, _ message: Message) -> Effect {
        switch request {
        case .add(let delta):
            self.count += delta
            return .addOk(to: message)
        case .read: return .readOk(to: message, self.count)
        }
    }

    private mutating func pass(_ request: Message) -> [Effect] {
        self.call(self.owner, request.body, .once(within: .milliseconds(500))) { _, answer, _ in
            switch answer {
            case .reply(let message):
                var body = message.body
                body["in_reply_to"] = nil
                return [.reply(to: request, body)]
            case .error(let code, let text): return [.error(to: request, code, text)]
            case .timeout: return [.error(to: request, .timeout, "the owner did not answer")]
            }
        }
    }
}
