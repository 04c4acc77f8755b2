import ChaosCore
import NodeKit

// Transactions over several keys.
//
//     txn{txn} -> txn_ok{txn}      the steps in order, reads filled in
//
// Steps of `txn-list-append` are ["r", key, null] and ["append", key, value], those of
// `txn-rw-register` ["r", key, null] and ["w", key, value].

extension ReferenceSystem {
    static let listAppend = ReferenceSystem(
        name: "txn-list-append", summary: "transactions that read lists and append to them",
        variants: [
            Variant("raft", "every transaction is one command of Raft: strict serializable") {
                RaftNode<ListMachine>()
            },
            Variant("lin-kv", "all lists in one value of lin-kv: strict serializable, one by one") {
                RootTransactionNode()
            },
            Variant("single-key", "a value of lin-kv for each list: right for one key at a time") {
                KeyTransactionNode()
            },
            Variant("stale-root", "reads its copy of the value: transactions see the past") {
                RootTransactionNode([.readsItsCopy])
            },
            Variant("overwrite", "writes the value back: of two at once, one is lost") {
                RootTransactionNode([.overwrites])
            },
            Variant("local", "each node has lists of its own") { LocalListNode() },
        ])

    static let readWriteRegister = ReferenceSystem(
        name: "txn-rw-register", summary: "transactions that read and write, always available",
        variants: [
            Variant("read-committed", "whole transactions, in the order of logical clocks") {
                AvailableTransactionNode(.readCommitted)
            },
            Variant("read-uncommitted", "each write by itself, in that order: others see it early")
            {
                AvailableTransactionNode(.readUncommitted)
            },
            Variant("arrival", "writes take effect as they arrive: nodes never agree") {
                AvailableTransactionNode(.arrivalOrder)
            },
            Variant("interleaved", "step by step, with others in between: no isolation at all") {
                InterleavedTransactionNode()
            },
            Variant("aborting", "tells the others before it knows whether it commits") {
                AvailableTransactionNode(.tellsBeforeCommit)
            },
        ])
}

/// One step of a transaction.
struct TransactionStep: Sendable {
    enum Operation: Sendable {
        case read
        /// `append` or `w`.
        case write(JSONValue)
    }

    let name: String
    let key: JSONValue
    let operation: Operation

    /// Whether it changes something.
    var isWrite: Bool {
        if case .write = self.operation { return true }
        return false
    }

    /// The step with what it read.
    func json(reading value: JSONValue) -> JSONValue { [.string(self.name), self.key, value] }

    /// The step as it was asked.
    var json: JSONValue {
        switch self.operation {
        case .read: self.json(reading: nil)
        case .write(let value): self.json(reading: value)
        }
    }

    /// Reads the steps of a request.
    ///
    /// - Parameter write: The name of steps that write.
    /// - Throws: ``RequestRefusal`` where it is no transaction.
    static func steps(
        of request: Message, write: String
    ) throws(RequestRefusal) -> [TransactionStep] {
        guard request.type == "txn" else { throw RequestRefusal(unsupported: request) }
        let rule =
            "'txn' has a list of [\"r\", key, null] and [\"\(write)\", key, value] in 'txn'"
        guard let entries = request["txn"]?.arrayValue else { throw RequestRefusal(request, rule) }
        var steps: [TransactionStep] = []
        for entry in entries {
            guard let parts = entry.arrayValue, parts.count == 3,
                let name = parts[0].stringValue, name == "r" || name == write
            else { throw RequestRefusal(request, "\(rule), found '\(entry.text)'") }
            let operation: Operation = name == "r" ? .read : .write(parts[2])
            steps.append(TransactionStep(name: name, key: parts[1], operation: operation))
        }
        return steps
    }
}

extension Effect {
    static func txnOk(to request: Message, _ steps: [JSONValue]) -> Effect {
        .reply(to: request, ["type": "txn_ok", "txn": .array(steps)])
    }
}
