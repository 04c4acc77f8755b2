import ChaosCore
import NodeKit

/// A link shortener that counts views, replicated by deltas (``DeltaReplica``): what it does itself is on its disk before it is acknowledged,
/// and the others hear of it within a tenth of a second, however much there is that did not change.
struct DeltaLinkNode: Node {
    private var membership = Membership(id: "", members: [], seed: 0)
    private var replica: DeltaReplica<LinkBook>
    private var log = LogCompaction()

    init(_ flaw: DeltaReplica<LinkBook>.Flaw? = nil) {
        self.replica = DeltaReplica(flaw: flaw)
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        let effects = self.live(input, at: now)
        guard self.log.isDue(after: effects) else { return effects }
        return effects + [self.log.rewrite(as: self.replica.parts)]
    }

    private mutating func live(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.log.start(membership.life)
            self.membership = membership
            return self.replica.start(membership)
        case .timer: return self.replica.tell()
        case .message(let message):
            if DeltaReplica<LinkBook>.messageTypes.contains(message.type) {
                return self.replica.receive(message)
            }
            guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
            do { return self.serve(try LinkRequest(request), request) } catch {
                return [error.answer]
            }
        }
    }

    private mutating func serve(_ wish: LinkRequest, _ request: HTTPRequest) -> [Effect] {
        let book = self.replica.state
        switch wish {
        case .create(let url, let wish):
            guard let code = book.code(for: url, wish: wish) else {
                return [.notCreated(url, for: request)]
            }
            return self.write(LinkBook.link(code, url)) + [.created(code, for: request)]
        case .follow(let code):
            guard let url = book.url(of: code) else {
                return [.leads(to: nil, for: request)]
            }
            // No other life of any node writes this slot.
            let slot = "\(self.membership.id)/\(self.membership.life.incarnation)"
            let views = LinkBook.views(code, slot, book.views(of: code, in: slot) + 1)
            return self.write(views) + [.leads(to: url, for: request)]
        case .views(let code): return [.views(book.views(of: code), for: request)]
        }
    }

    private mutating func write(_ part: JSONValue) -> [Effect] {
        self.replica.learn(part) ? [.append(part)] : []
    }
}
