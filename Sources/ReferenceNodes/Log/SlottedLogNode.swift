import ChaosCore
import NodeKit

/// Logs in `lin-kv` with a key for each record: first the next offset is taken, then the record is
/// stored there.
///
/// Between the two there is a hole, and whoever polls meanwhile goes past it and never sees the record.
/// A node that dies between the two leaves the hole for ever.
struct SlottedLogNode: CallingNode {
    /// How many offsets one poll looks at.
    private static let pollLimit: Int64 = 32

    private let store = KeyValueStore.linearizable
    private var committed: [String: Int64] = [:]
    var calls = Calls<SlottedLogNode>()

    mutating func receive(_ input: Input, at now: Duration) -> [Effect] {
        guard case .message(let message) = input else { return [] }
        do {
            switch try LogRequest(message) {
            case .send(let key, let value): return self.send(value, to: key, for: message)
            case .poll(let offsets): return self.poll(offsets[...], [], for: message)
            case .commit(let offsets):
                // Kept by each node for itself, which clients bear.
                for (key, offset) in offsets {
                    self.committed[key] = max(self.committed[key] ?? 0, offset)
                }
                return [.reply(to: message, ["type": "commit_offsets_ok"])]
            case .listCommitted(let keys):
                let known = keys.compactMap { key in
                    self.committed[key].map { (key: key, offset: $0) }
                }
                return [.committed(to: message, known)]
            }
        } catch {
            return [error.answer]
        }
    }

    private static func counter(of key: String) -> JSONValue { .string("next \(key)") }

    private mutating func send(
        _ value: JSONValue, to key: String, for request: Message
    ) -> [Effect] {
        self.nextOffset(of: key) { node, next, _ in
            guard let next else { return [.unanswered(request)] }
            let from: JSONValue? = next == 0 ? .none : .int(next)
            let (name, store) = (Self.counter(of: key), node.store)
            return node.compareAndSet(name, from: from, to: .int(next + 1), in: store) {
                node, outcome, _ in
                if outcome == .mismatch { return node.send(value, to: key, for: request) }
                if outcome == .unknown { return [.unanswered(request)] }
                return node.write(.string("log \(key) \(next)"), value, to: store) {
                    _, outcome, _ in
                    outcome == .done ? [.sendOk(to: request, next)] : [.unanswered(request)]
                }
            }
        }
    }

    private mutating func nextOffset(
        of key: String, then: @escaping @Sendable (inout Self, Int64?, Duration) -> [Effect]
    ) -> [Effect] {
        self.read(Self.counter(of: key), from: self.store) { node, reading, now in
            switch reading {
            case .value(let json): then(&node, json.intValue ?? 0, now)
            case .missing: then(&node, 0, now)
            case .unknown: then(&node, nil, now)
            }
        }
    }

    private mutating func poll(
        _ offsets: ArraySlice<(key: String, offset: Int64)>,
        _ found: [(key: String, records: [JSONValue])], for request: Message
    ) -> [Effect] {
        guard let (key, offset) = offsets.first else { return [.pollOk(to: request, found)] }
        return self.nextOffset(of: key) { node, next, _ in
            guard let next else { return [.unanswered(request)] }
            let end = min(next, offset + Self.pollLimit)
            return node.collect(key, offset..<max(offset, end), []) { node, records in
                node.poll(offsets.dropFirst(), found + [(key, records)], for: request)
            }
        }
    }

    /// Reads the records at some offsets, and leaves out those that are not there.
    private mutating func collect(
        _ key: String, _ offsets: Range<Int64>, _ found: [JSONValue],
        then: @escaping @Sendable (inout Self, [JSONValue]) -> [Effect]
    ) -> [Effect] {
        guard let offset = offsets.first else { return then(&self, found) }
        return self.read(.string("log \(key) \(offset)"), from: self.store) { node, reading, _ in
            let rest = offsets.dropFirst()
            if case .value(let value) = reading {
                return node.collect(key, rest, found + [[.int(offset), value]], then: then)
            }
            return node.collect(key, rest, found, then: then)
        }
    }
}
