import ChaosCore
import OrderedCollections

/// What the operations of a history say about a growing set, element by element.
struct SetObservations {
    /// An element that somebody tried to add, or that a read showed.
    struct Element {
        let value: JSONValue
        /// The index of the first attempt to add it.
        var attemptedAt: Int?
        /// Whether every attempt definitely had no effect.
        var everyAddFailed = true
        /// The first acknowledgement of an add.
        var acknowledgement: Operation?
        /// The earlier of the first acknowledgement and the first ok read that showed it.
        var known: Operation?
    }

    /// An ok read.
    struct Read {
        let begin: Operation
        let end: Operation
        /// The positions of the elements in it, each once.
        let elements: [Int]
    }

    /// Something that no read may show.
    struct Anomaly: Hashable {
        let value: JSONValue
        let read: Operation
        let reason: String
    }

    /// The elements, in the order in which they came up.
    private(set) var elements: [Element] = []
    /// The ok reads, in order of invocation.
    private(set) var reads: [Read] = []
    /// Elements that a read showed more than once, each with the first such read.
    private(set) var duplicated: [Anomaly] = []
    /// Elements that could not have been there, each with the first read that showed them.
    private(set) var invented: [Anomaly] = []
    /// The nodes asked for a final read, in order, and whether one of the answers was ok.
    private(set) var finalReads: OrderedDictionary<String, Bool> = [:]

    private var positions: [JSONValue: Int] = [:]
    /// For each element the number of the read that showed it last, which finds doubles.
    private var lastShown: [Int] = []

    static let additions = ["broadcast", "add"]

    init(_ history: History) {
        let invocations = history.invocations
        for invocation in invocations where Self.additions.contains(invocation.begin.function) {
            self.observeAdd(invocation)
        }
        for invocation in invocations where invocation.begin.function == "read" {
            self.observeRead(invocation)
        }
    }

    private mutating func position(of value: JSONValue) -> Int {
        if let position = self.positions[value] { return position }
        self.positions[value] = self.elements.count
        self.elements.append(Element(value: value))
        self.lastShown.append(-1)
        return self.elements.count - 1
    }

    private mutating func observeAdd(_ add: Invocation) {
        let position = self.position(of: add.begin.value)
        if self.elements[position].attemptedAt == nil {
            self.elements[position].attemptedAt = add.begin.index
        }
        if add.outcome != .fail { self.elements[position].everyAddFailed = false }
        if add.outcome == .ok, let end = add.end {
            let first = self.elements[position].acknowledgement
            if (first?.index ?? .max) > end.index {
                self.elements[position].acknowledgement = end
                self.elements[position].known = end
            }
        }
    }

    private mutating func observeRead(_ read: Invocation) {
        // A reply that is no list says nothing, whatever its sender thinks.
        let values = read.outcome == .ok ? read.end?.value.arrayValue : nil
        if read.begin.isFinal {
            let node = read.begin.node ?? "the cluster"
            self.finalReads[node] = self.finalReads[node, default: false] || values != nil
        }
        guard let values, let end = read.end else { return }
        var shown: [Int] = []
        var doubles: OrderedDictionary<Int, Int> = [:]
        for value in values {
            let position = self.position(of: value)
            if self.lastShown[position] == self.reads.count {
                doubles[position, default: 1] += 1
                continue
            }
            self.lastShown[position] = self.reads.count
            shown.append(position)
            self.noteImpossible(position, in: end)
            if (self.elements[position].known?.index ?? .max) > end.index {
                self.elements[position].known = end
            }
        }
        for (position, count) in doubles { self.noteDuplicate(position, count: count, in: end) }
        self.reads.append(Read(begin: read.begin, end: end, elements: shown))
    }

    private mutating func noteDuplicate(_ position: Int, count: Int, in read: Operation) {
        let value = self.elements[position].value
        if self.duplicated.contains(where: { $0.value == value }) { return }
        self.duplicated.append(Anomaly(value: value, read: read, reason: "\(count) times"))
    }

    private mutating func noteImpossible(_ position: Int, in read: Operation) {
        let reason: String
        switch self.elements[position].attemptedAt {
        case nil: reason = "nobody added it"
        case let index? where index > read.index: reason = "it was added only later"
        case _ where self.elements[position].everyAddFailed: reason = "its add had failed"
        default: return
        }
        let value = self.elements[position].value
        if self.invented.contains(where: { $0.value == value }) { return }
        self.invented.append(Anomaly(value: value, read: read, reason: reason))
    }
}
