import ChaosCore

/// A fault at work on one link: what is counted and shared per link rather than per connection.
final class LinkFault {
    let injection: Injection
    let kind: FaultKind
    /// The messages that matched type, fields and direction, or the blocks, since injection.
    private(set) var matched = 0
    /// The bucket of a `rate` that all connections of the link share.
    var bucket = TokenBucket()

    init(_ injection: Injection) {
        self.injection = injection
        self.kind = injection.fault.kind
    }

    var fault: Fault { self.injection.fault }

    /// Tells apart this fault from all others of the run, for ever.
    var identity: Int { self.injection.order }

    func countMatch() -> Int {
        self.matched += 1
        return self.matched
    }

    /// How many connections, messages and blocks of this link were exposed to it.
    private(set) var touched = 0
    /// How many of them it struck.
    private(set) var hits = 0

    func touch(_ count: Int = 1) {
        self.touched += count
        self.injection.touched += count
    }

    func hit(_ count: Int = 1) {
        self.hits += count
        self.injection.hits += count
    }
}
