import ChaosCore
import ChaosEngine
import DequeModule

/// The accepted sockets of one listener that wait until it is known who opened them. They leave in the
/// order in which they came, whichever answer comes first, so that connections keep their ordinals.
struct OpenerQueue<Socket> {
    /// A socket whose link is known.
    struct Recognised {
        let socket: Socket
        /// Over which link it goes.
        let spec: ProxiedLink
        /// What the journal should say about it, if anything.
        let remark: Remark?
    }

    /// Why a connection does not go over the link for which its listener stands.
    struct Remark {
        let event: String
        let details: [(key: String, value: JSONValue)]
    }

    private struct Entry {
        let socket: Socket
        var opener: Opener?
    }

    private let spec: ProxiedLink
    private let rule: OpenerRule
    private var waiting: Deque<Entry> = []
    /// The ticket of the first that waits.
    private var first = 0
    /// Who has used the address so far without being told it.
    private var visitors: [NodeName] = []

    init(_ spec: ProxiedLink, _ rule: OpenerRule) {
        self.spec = spec
        self.rule = rule
    }

    /// How many sockets wait.
    var count: Int { self.waiting.count }

    /// The links that may come in here, first the one for which the listener stands.
    var links: [Link] {
        let others = (self.rule.sharers + self.visitors).filter {
            $0 != self.spec.link.target && $0 != self.spec.link.source
        }
        return [self.spec.link] + others.map { self.spec.over($0, from: nil).link }
    }

    /// Takes in an accepted socket.
    ///
    /// - Returns: Its ticket, with which the answer about it comes.
    mutating func append(_ socket: Socket) -> Int {
        self.waiting.append(Entry(socket: socket))
        return self.first + self.waiting.count - 1
    }

    /// Takes in an answer.
    ///
    /// - Returns: All sockets whose turn it is now, in order.
    mutating func answer(_ opener: Opener, for ticket: Int) -> [Recognised] {
        let index = ticket - self.first
        guard self.waiting.indices.contains(index) else { return [] }
        self.waiting[index].opener = opener
        var ready: [Recognised] = []
        while let entry = self.waiting.first, let opener = entry.opener {
            self.waiting.removeFirst()
            self.first += 1
            ready.append(self.resolve(entry.socket, opener))
        }
        return ready
    }

    /// Gives up all that wait; answers about them come too late.
    mutating func removeAll() -> [Socket] {
        defer {
            self.first += self.waiting.count
            self.waiting = []
        }
        return self.waiting.map(\.socket)
    }

    /// Decides over which link a connection goes: the owner of its socket decides, whatever address he
    /// dialled; where he is unknown, the address does.
    private mutating func resolve(_ socket: Socket, _ opener: Opener) -> Recognised {
        let expected = self.spec.link.source
        let name: NodeName
        switch opener {
        case .node(let node): name = node
        case .client: name = .client
        case .unknown(let why):
            let remark = Remark(
                event: "opener",
                details: [
                    ("state", "unknown"), ("link", .string(self.spec.link.description)),
                    ("why", .string(why)),
                ])
            return Recognised(socket: socket, spec: self.spec, remark: remark)
        }
        if name == expected { return Recognised(socket: socket, spec: self.spec, remark: nil) }
        let spec = self.spec.over(name, from: self.rule.sources[name])
        if name == self.spec.link.target || self.rule.sharers.contains(name) {
            return Recognised(socket: socket, spec: spec, remark: nil)
        }
        // Somebody dialled an address that is another one's.
        let remark = Remark(
            event: "opener",
            details: [
                ("state", "mismatch"), ("link", .string(spec.link.description)),
                ("dialled", .string(self.spec.listen.description)),
                ("of", .string(self.spec.link.description)),
            ])
        if !self.visitors.contains(name) { self.visitors.append(name) }
        return Recognised(socket: socket, spec: spec, remark: remark)
    }
}
