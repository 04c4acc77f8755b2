import ChaosCheckers
import ChaosCore
import OrderedCollections

/// `links`: links that are made once and followed by everybody. Codes are wished for (`k0`, `k1`, …) or left to the shortener; those who
/// follow want links that are there, and now and then one that is not there yet. In the end every node is asked
/// for every link, those that it refused as well.
struct LinkSource: OperationSource {
    /// What else clients do.
    struct Habits: Hashable, Sendable {
        /// One operation in so many makes a link.
        var createsOneIn = 3
        /// So many links are made first, and then none any more; `nil` goes on making them.
        var fill: Int?
        /// Whether some wish for a code that somebody else had before.
        var fightsForCodes = false
        /// Whether some shorten URLs whose hashes collide (``collidingURLs``).
        var collides = false
    }

    private let habits: Habits
    private let nodeCount: Int
    private var generator: Generator
    private var count = 0
    /// How many codes were wished for.
    private var wishes = 0
    private var colliding: [String]
    /// The codes that were acknowledged, in order.
    private var known: [JSONValue] = []
    /// All codes that were wished for or given.
    private var named: OrderedSet<JSONValue> = []

    init(_ habits: Habits, nodeCount: Int, seed: Seed) {
        self.habits = habits
        self.nodeCount = nodeCount
        self.generator = seed.derived("operations").generator
        self.colliding = habits.collides ? Self.collidingURLs : []
    }

    /// Pairs of URLs whose hashes have the same last 32 bits: the first two pairs of MD5, the others of SHA-256.
    static let collidingURLs = [
        50961, 97484, 36653, 112_530, 54605, 69454, 65598, 97874, 50778, 127_237,
    ]
    .map { "https://example.com/\($0)" }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        var isCreate = self.generator.next(below: self.habits.createsOneIn) == 0 || self.count == 0
        if let fill = self.habits.fill { isCreate = self.count < fill }
        self.count += 1
        return (worker, isCreate ? self.create() : Self.get(self.codeToFollow()))
    }

    private mutating func create() -> PlannedOperation {
        let number = self.count
        if !self.colliding.isEmpty {
            return Self.create(nil, self.colliding.removeFirst())
        }
        switch self.generator.next(below: 4) {
        case 0: return Self.create(nil, "https://example.org/\(number)")
        case 1 where self.habits.fightsForCodes && self.wishes > 0:
            let taken = max(0, self.wishes - 1 - self.generator.next(below: 3))
            return Self.create("k\(taken)", "https://example.net/\(number)")
        default:
            defer { self.wishes += 1 }
            return Self.create("k\(self.wishes)", "https://example.org/\(number)")
        }
    }

    private mutating func codeToFollow() -> JSONValue {
        if self.habits.fill != nil, let code = self.generator.pick(self.known) { return code }
        let ahead = JSONValue.string("k\(self.wishes + self.generator.next(below: 3))")
        let isAhead = self.generator.next(below: max(5, self.habits.createsOneIn)) == 0
        if isAhead || self.known.isEmpty { return ahead }
        return self.known[max(0, self.known.count - 1 - self.generator.next(below: 40))]
    }

    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        guard operation.function == "create" else { return }
        if let wish = operation.argument.arrayValue?.first, wish != .null {
            self.named.append(wish)
        }
        guard end.kind == .ok, let code = end.value?.arrayValue?.first else { return }
        self.named.append(code)
        if !self.known.contains(code) { self.known.append(code) }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        if worker >= self.nodeCount { return nil }
        let codes = self.named
        return { performer in
            for code in codes { try await performer.insist(on: Self.get(code)) }
        }
    }

    private static func create(_ code: String?, _ url: String) -> PlannedOperation {
        .overHTTP("create", [code.map { .string($0) } ?? .null, .string(url)])
    }

    private static func get(_ code: JSONValue) -> PlannedOperation {
        .overHTTP("get", [code, nil])
    }
}

/// `views`: one link that is followed again and again, first before it is there, and whose views are counted.
struct ViewSource: OperationSource {
    /// So many visits come before somebody makes the link.
    private static let early = 10

    private let nodeCount: Int
    private var generator: Generator
    private var count = 0

    init(nodeCount: Int, seed: Seed) {
        self.nodeCount = nodeCount
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        self.count += 1
        if self.count == Self.early {
            let link: JSONValue = [.string(LinkClient.viewedCode), "https://example.org/"]
            return (worker, .overHTTP("create", link))
        }
        let isRead = self.generator.next(below: 4) == 0
        return (worker, isRead ? Self.read : .overHTTP("add", 1))
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        if worker >= self.nodeCount { return nil }
        return { performer in try await performer.insist(on: Self.read) }
    }

    private static let read = PlannedOperation.overHTTP("read", nil)
}
