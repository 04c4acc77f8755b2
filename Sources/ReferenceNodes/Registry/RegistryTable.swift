import ChaosCore

/// What one node knows of names: who has them until when, and the largest token it has seen of each.
struct RegistryTable {
    /// How long a name is lent.
    static let lease = Duration.seconds(1)

    /// An owner of a name.
    struct Owner: Hashable {
        let address: String
        let token: Int64
        let expiresAt: Duration
    }

    private var owners: [String: Owner] = [:]
    private var tokens: [String: Int64] = [:]

    /// The largest token of a name that anybody has spoken of.
    func token(of name: String) -> Int64 { self.tokens[name] ?? 0 }

    /// Whoever has a name at the moment.
    func owner(of name: String, at now: Duration) -> Owner? {
        self.owners[name].flatMap { $0.expiresAt > now ? $0 : nil }
    }

    /// All names that somebody has, in order.
    func names(at now: Duration) -> [String] {
        self.owners.filter { $0.value.expiresAt > now }.keys.sorted()
    }

    /// Lends a name to somebody, unless another one has it or the token is not a new one.
    mutating func lend(
        _ name: String, to address: String, _ token: Int64, at now: Duration
    ) -> Bool {
        if let owner = self.owner(of: name, at: now), owner.address != address { return false }
        guard token > self.token(of: name) else { return false }
        self.note(name, address, token, at: now)
        return true
    }

    /// Takes in an owner that others know of: of two, the one with the larger token stays.
    mutating func note(_ name: String, _ address: String, _ token: Int64, at now: Duration) {
        guard token > self.token(of: name) else { return }
        self.tokens[name] = token
        self.owners[name] = Owner(
            address: address, token: token, expiresAt: now + Self.lease)
    }

    /// Takes a name back from the owner with that token.
    mutating func drop(_ name: String, _ token: Int64) {
        if self.owners[name]?.token == token { self.owners[name] = nil }
    }
}
