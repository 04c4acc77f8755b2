import ChaosCore
import NodeKit

// S25: the cache of terms once more, in tables that are read past their owners. Every node has the table of a
// share of the keys.
//
//     put{key, value, ttl} -> put_ok     by way of the owner of the key's table
//     get{key}             -> get_ok{value}     from the table
//     stats                -> stats_ok{entries}     in this node's table
//
// Between nodes: put{…} to the owner, get{key} to the table.
//
// The administrator can also say stall{ms}: the owner stands still for so long.

extension ReferenceSystem {
    static let termsTable = ReferenceSystem(
        name: "terms-table", summary: "a cache in tables that are read past their owners",
        variants: [
            Variant("owned", "acknowledged when it is in the table, which outlives its writer") {
                TermsTable.node([])
            },
            Variant("one-mailbox", "who reads waits behind those who write") {
                TermsTable.node([.readsThroughTheOwner])
            },
            Variant("sleeps", "acknowledged after 100 ms, when the write has surely been made") {
                TermsTable.node([.sleepsInstead])
            },
            Variant("owners-table", "the table ends with the process that writes to it") {
                TermsTable.node([.tableBelongsToTheOwner])
            },
        ])
}

enum TermsTable {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        case readsThroughTheOwner
        case sleepsInstead
        case tableBelongsToTheOwner
    }

    static let desk = "desk"
    static let owner = "owner"
    static let table = "table"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(
            requests: ["put": Self.desk, "get": Self.desk, "stats": Self.table],
            administration: ["stall": Self.owner]
        ) {
            var children = [
                Supervisor.Child(Self.owner) { TermsOwner(flaws: flaws) },
                Supervisor.Child(Self.desk) { TermsDesk(flaws: flaws) },
            ]
            // A table of its own has an heir: whoever writes next finds it as it was.
            if !flaws.contains(.tableBelongsToTheOwner) {
                children.insert(Supervisor.Child(Self.table) { TermsTableKeeper() }, at: 0)
            }
            return Supervisor(.oneForOne, children)
        }
    }

    /// The node whose table a key is in, the same on every node (FNV-1a, 32 bits).
    static func node(of key: JSONValue, among members: [String]) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in key.text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return members[Int(hash % UInt32(members.count))]
    }
}

/// Keeps a table, and does nothing that takes time.
struct TermsTableKeeper: Behaviour {
    private static let sweepInterval = Duration.seconds(5)

    private var table = CacheTable()

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: context.setTimer("sweep", after: Self.sweepInterval)
        case .timer:
            self.table.sweep(at: context.now)
            context.setTimer("sweep", after: Self.sweepInterval)
        case .cast(let body):
            let lifetime = body["ttl"]?.intValue.map { Duration.milliseconds($0) }
            self.table.put(
                body["value"] ?? nil, under: body["key"] ?? nil, for: lifetime, at: context.now)
        case .call(let body, let caller):
            let value = self.table.get(body["key"] ?? nil, at: context.now) ?? nil
            context.reply(caller, ["value": value])
        case .request(let request):
            let count = Int64(self.table.count)
            context.answer(.reply(to: request, ["type": "stats_ok", "entries": .int(count)]))
        default: break
        }
    }
}

/// The only one who writes to its node's table. It may have other things to do.
struct TermsOwner: Behaviour {
    let flaws: Set<TermsTable.Flaw>
    /// What came while it stood still.
    private var waiting: [(body: JSONObject, caller: Caller?)] = []
    private var isStalled = false
    /// Whose reads are on their way to the table.
    private var reads: [CallReference: Caller] = [:]

    init(flaws: Set<TermsTable.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            guard self.flaws.contains(.tableBelongsToTheOwner) else { return }
            _ = context.spawn(TermsTableKeeper(), name: TermsTable.table)
        case .call(let body, let caller): self.take(body, caller, &context)
        case .cast(let body): self.take(body, nil, &context)
        case .answer(let call, let outcome):
            guard let caller = self.reads.removeValue(forKey: call), case .reply(let body) = outcome
            else { return }
            context.reply(caller, body)
        case .request(let request):
            self.isStalled = true
            context.setTimer("wake", after: .milliseconds(request["ms"]?.intValue ?? 0))
            context.answer(.reply(to: request, ["type": "stall_ok"]))
        case .timer:
            self.isStalled = false
            let waiting = self.waiting
            self.waiting = []
            for (body, caller) in waiting { self.take(body, caller, &context) }
        default: break
        }
    }

    private mutating func take(
        _ body: JSONObject, _ caller: Caller?, _ context: inout ProcessContext
    ) {
        if self.isStalled { return self.waiting.append((body, caller)) }
        let table = ProcessAddress.name(TermsTable.table, on: context.pid.node)
        if body["type"]?.stringValue == "get", let caller {
            let call = context.call(table, body, within: .seconds(1))
            self.reads[call] = caller
            return
        }
        context.cast(table, body)
        // The table has it before anybody who hears of this can ask for it.
        if let caller { context.reply(caller, [:]) }
    }
}

/// Serves clients from the tables of all nodes.
struct TermsDesk: Behaviour {
    private static let valueMax = 1 << 20
    private static let patience = Duration.seconds(2)
    /// What is long enough, surely.
    private static let nap = Duration.milliseconds(100)

    let flaws: Set<TermsTable.Flaw>
    private var open: [CallReference: Message] = [:]
    private var napping: [String: Message] = [:]
    private var count = 0

    init(flaws: Set<TermsTable.Flaw>) { self.flaws = flaws }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .request(let request): self.serve(request, &context)
        case .answer(let call, let outcome):
            guard let request = self.open.removeValue(forKey: call) else { return }
            switch outcome {
            case .reply where request.type == "put":
                context.answer(.reply(to: request, ["type": "put_ok"]))
            case .reply(let body):
                let value = body["value"] ?? nil
                context.answer(.reply(to: request, ["type": "get_ok", "value": value]))
            // A put may have been made.
            case .exited, .timeout:
                context.answer(.error(to: request, .timeout, "the table's owner does not answer"))
            }
        case .timer(let name):
            guard let request = self.napping.removeValue(forKey: name) else { return }
            context.answer(.reply(to: request, ["type": "put_ok"]))
        default: break
        }
    }

    private mutating func serve(_ request: Message, _ context: inout ProcessContext) {
        let key = request["key"] ?? nil
        let node = TermsTable.node(of: key, among: context.membership.members)
        var body: JSONObject = ["type": .string(request.type), "key": key]
        if request.type == "get" {
            let isDirect = !self.flaws.contains(.readsThroughTheOwner)
            let address = ProcessAddress.name(
                isDirect ? TermsTable.table : TermsTable.owner, on: node)
            self.open[context.call(address, body, within: Self.patience)] = request
            return
        }
        let value = request["value"] ?? nil
        if value.text.utf8.count > Self.valueMax {
            let rule = "a value has at most \(Self.valueMax) bytes"
            return context.answer(.error(to: request, .malformedRequest, rule))
        }
        body["value"] = value
        body["ttl"] = request["ttl"]
        let owner = ProcessAddress.name(TermsTable.owner, on: node)
        if self.flaws.contains(.sleepsInstead) {
            context.cast(owner, body)
            self.count += 1
            self.napping["nap \(self.count)"] = request
            return context.setTimer("nap \(self.count)", after: Self.nap)
        }
        self.open[context.call(owner, body, within: Self.patience)] = request
    }
}
