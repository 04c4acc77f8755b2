import ChaosCore
import NodeKit

/// Logs in `lin-kv`, in blocks of ``blockSize`` records that compare-and-set changes.
///
/// A block only grows, so none of its states comes twice, and a change may be tried until it is known:
/// each record has a tag that shows whether it is there already. All records that wait for a log go in
/// one change. A full block never changes again and is kept in memory.
struct StoredLogNode: CallingNode {
    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// A block is written back as it was read, and more: what came between is written over.
        static let overwrites = Flaws(rawValue: 1)
    }

    static let blockSize = 64

    /// A record on its way into a log.
    private struct Waiting {
        let entry: JSONValue
        let request: Message
    }

    /// What a node knows of the end of a log, and what it wants to add.
    private struct Tail {
        var block = 0
        /// The entries of the block; `nil` until it was read.
        var entries: [JSONValue]?
        var waiting: [Waiting] = []
        var isWriting = false
    }

    private let flaws: Flaws
    private let store = KeyValueStore.linearizable
    private var membership = Membership(id: "", members: [], seed: 0)
    private var tags: Int64 = 0
    private var tails: [String: Tail] = [:]
    private var fullBlocks: [JSONValue: [JSONValue]] = [:]
    private var committed: [String: Int64] = [:]
    private var served = AnswerCache()
    var calls = Calls<StoredLogNode>()

    init(_ flaws: Flaws = []) { self.flaws = flaws }

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.membership = membership
            return []
        case .timer:
            return []
        case .message(let message):
            do {
                switch try LogRequest(message) {
                case .send(let key, let value): return self.send(value, to: key, for: message)
                case .poll(let offsets): return self.poll(offsets[...], [], for: message)
                case .commit(let offsets): return self.commit(offsets[...], for: message)
                case .listCommitted(let keys): return self.list(keys[...], [], for: message)
                }
            } catch {
                return [error.answer]
            }
        }
    }

    private static func name(of block: Int, in key: String) -> JSONValue {
        .string("log \(key) \(block)")
    }

    // MARK: Send

    private mutating func send(
        _ value: JSONValue, to key: String, for request: Message
    ) -> [Effect] {
        switch self.served.admit(request) {
        case .new: break
        case .pending: return []
        case .answered(let body): return [.reply(to: request, body)]
        }
        self.tags += 1
        let life = self.membership.life.incarnation
        let tag: JSONValue = .string("\(self.membership.id)/\(life)/\(self.tags)")
        self.tails[key, default: Tail()].waiting.append(
            Waiting(entry: [value, tag], request: request))
        return self.add(to: key)
    }

    /// Adds what waits for a log, unless that is under way.
    private mutating func add(to key: String) -> [Effect] {
        var tail = self.tails[key] ?? Tail()
        if tail.isWriting || tail.waiting.isEmpty { return [] }
        if let entries = tail.entries, entries.count >= Self.blockSize {
            self.fullBlocks[Self.name(of: tail.block, in: key)] = entries
            tail.block += 1
            tail.entries = nil
        }
        tail.isWriting = true
        self.tails[key] = tail
        guard let entries = tail.entries, !self.flaws.contains(.overwrites) else {
            return self.look(at: key)
        }
        return self.change(key, from: entries)
    }

    /// Reads the last block, and goes on from there.
    private mutating func look(at key: String) -> [Effect] {
        let name = Self.name(of: self.tails[key]?.block ?? 0, in: key)
        return self.read(name, from: self.store) { node, reading, _ in
            switch reading {
            case .unknown: return node.look(at: key)
            case .missing: node.tails[key]?.entries = []
            case .value(let json): node.tails[key]?.entries = json.arrayValue ?? []
            }
            let known = node.acknowledge(key)
            guard let tail = node.tails[key], let entries = tail.entries else { return known }
            if tail.waiting.isEmpty || entries.count >= Self.blockSize {
                node.tails[key]?.isWriting = false
                return known + node.add(to: key)
            }
            return known + node.change(key, from: entries)
        }
    }

    private mutating func change(_ key: String, from entries: [JSONValue]) -> [Effect] {
        guard let tail = self.tails[key] else { return [] }
        let news = tail.waiting.prefix(Self.blockSize - entries.count).map(\.entry)
        let name = Self.name(of: tail.block, in: key)
        let new = JSONValue.array(entries + news)
        let done: @Sendable (inout Self, KeyValueStore.Outcome, Duration) -> [Effect] = {
            node, outcome, _ in
            if outcome != .done { return node.look(at: key) }
            node.tails[key]?.entries = entries + news
            node.tails[key]?.isWriting = false
            return node.acknowledge(key) + node.add(to: key)
        }
        if self.flaws.contains(.overwrites) {
            return self.write(name, new, to: self.store, then: done)
        }
        let from: JSONValue? = entries.isEmpty ? .none : .array(entries)
        return self.compareAndSet(name, from: from, to: new, in: self.store, then: done)
    }

    /// Answers those who wait for a record that is in the log's last block.
    private mutating func acknowledge(_ key: String) -> [Effect] {
        guard let tail = self.tails[key], let entries = tail.entries else { return [] }
        var places: [JSONValue: Int] = [:]
        for (index, entry) in entries.enumerated() { places[entry] = index }
        self.tails[key]?.waiting.removeAll { places[$0.entry] != nil }
        return tail.waiting.compactMap { waiting in
            guard let place = places[waiting.entry] else { return nil }
            let offset = Int64(tail.block * Self.blockSize + place)
            let body: JSONObject = ["type": "send_ok", "offset": .int(offset)]
            self.served.note(body, for: waiting.request)
            return .reply(to: waiting.request, body)
        }
    }

    // MARK: Poll

    private mutating func poll(
        _ offsets: ArraySlice<(key: String, offset: Int64)>,
        _ found: [(key: String, records: [JSONValue])], for request: Message
    ) -> [Effect] {
        guard let (key, offset) = offsets.first else { return [.pollOk(to: request, found)] }
        let rest = offsets.dropFirst()
        let (block, place) = Int(clamping: offset).quotientAndRemainder(dividingBy: Self.blockSize)
        let name = Self.name(of: block, in: key)
        if let entries = self.fullBlocks[name] {
            let records = Self.records(in: entries, block: block, from: place)
            return self.poll(rest, found + [(key, records)], for: request)
        }
        return self.read(name, from: self.store) { node, reading, _ in
            switch reading {
            case .unknown:
                return [.error(to: request, .temporarilyUnavailable, "lin-kv does not answer")]
            case .missing:
                return node.poll(rest, found + [(key, [])], for: request)
            case .value(let json):
                let entries = json.arrayValue ?? []
                if entries.count >= Self.blockSize { node.fullBlocks[name] = entries }
                let records = Self.records(in: entries, block: block, from: place)
                return node.poll(rest, found + [(key, records)], for: request)
            }
        }
    }

    private static func records(
        in entries: [JSONValue], block: Int, from place: Int
    ) -> [JSONValue] {
        entries.indices.dropFirst(place).map { index in
            [.int(Int64(block * Self.blockSize + index)), entries[index].arrayValue?.first ?? nil]
        }
    }

    // MARK: Commit

    private mutating func commit(
        _ offsets: ArraySlice<(key: String, offset: Int64)>, for request: Message
    ) -> [Effect] {
        guard let (key, offset) = offsets.first else {
            return [.reply(to: request, ["type": "commit_offsets_ok"])]
        }
        // Offsets only rise, so whatever was seen once holds.
        if let known = self.committed[key], known >= offset {
            return self.commit(offsets.dropFirst(), for: request)
        }
        let name: JSONValue = .string("committed \(key)")
        let from = self.committed[key].map { JSONValue.int($0) }
        let store = self.store
        return self.compareAndSet(name, from: from, to: .int(offset), in: store) {
            node, outcome, _ in
            if outcome == .done {
                node.committed[key] = max(node.committed[key] ?? offset, offset)
                return node.commit(offsets.dropFirst(), for: request)
            }
            return node.read(name, from: store) { node, reading, _ in
                switch reading {
                case .unknown: return [.unanswered(request)]
                case .missing: break
                case .value(let json):
                    let value = json.intValue ?? 0
                    node.committed[key] = max(node.committed[key] ?? value, value)
                }
                return node.commit(offsets, for: request)
            }
        }
    }

    private mutating func list(
        _ keys: ArraySlice<String>, _ found: [(key: String, offset: Int64)], for request: Message
    ) -> [Effect] {
        guard let key = keys.first else { return [.committed(to: request, found)] }
        return self.read(.string("committed \(key)"), from: self.store) { node, reading, _ in
            switch reading {
            case .unknown:
                return [.error(to: request, .temporarilyUnavailable, "lin-kv does not answer")]
            case .missing:
                return node.list(keys.dropFirst(), found, for: request)
            case .value(let json):
                return node.list(
                    keys.dropFirst(), found + [(key, json.intValue ?? 0)], for: request)
            }
        }
    }
}
