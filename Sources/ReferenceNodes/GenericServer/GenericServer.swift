import ChaosCore
import NodeKit

/// What a server is for, without how it is asked.
protocol ServerModule: Sendable {
    /// Does what it is told.
    ///
    /// - Returns: The answer, and whether anything changed; `nil` for what it does not know.
    mutating func handle(
        _ command: JSONObject
    ) throws(ProcessExit) -> (answer: JSONValue, isChange: Bool)?

    /// The commands that make of a new module what this one is.
    var commands: [JSONObject] { get }
}

/// A generic server as one writes it by hand, from casts alone: takes a command, lets its module do it, writes it
/// down, answers.
///
///     COMMAND{…, id, ref, desk} -> COMMAND_done{ref, value} or COMMAND_done{ref, error}
///
/// `ref` belongs to the one who waits and comes back as it is; `id` belongs to the request, and is the same when the
/// request comes again. Changes are in the log before they are answered, with their ids: the next server of
/// this name, in this life of the node or another, knows what was done and for whom.
struct GenericServer<Module: ServerModule>: Behaviour {
    /// What a server may get wrong.
    enum Flaw: Sendable {
        /// A request that comes again is done again.
        case forgetsRequests
        /// Nothing is in the log.
        case keepsNothing
    }

    /// How many requests are remembered.
    private static var memoryMax: Int { 4096 }

    private let flaws: Set<Flaw>
    private var module: Module
    private var answers: [String: JSONValue] = [:]
    private var order: [String] = []

    init(_ module: Module, _ flaws: Set<Flaw> = []) {
        self.module = module
        self.flaws = flaws
    }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started:
            for case .object(let record) in context.records { try self.recall(record) }
        case .cast(let command): try self.serve(command, &context)
        // Mail that means nothing to a server must not end it.
        default: break
        }
    }

    /// What the module is, and which requests would be known again.
    var snapshot: [JSONValue]? {
        if self.flaws.contains(.keepsNothing) { return nil }
        let known = self.order.map { JSONValue.array([.string($0), self.answers[$0] ?? nil]) }
        return self.module.commands.map { .object($0) } + [["known": .array(known)]]
    }

    private mutating func recall(_ command: JSONObject) throws(ProcessExit) {
        if let known = command["known"]?.arrayValue {
            for pair in known.compactMap(\.arrayValue) where pair.count == 2 {
                if let id = pair[0].stringValue { self.remember(pair[1], for: id) }
            }
            return
        }
        guard let done = try self.module.handle(command) else { return }
        // A command of a snapshot is nobody's request.
        if let id = command["id"]?.stringValue { self.remember(done.answer, for: id) }
    }

    private mutating func serve(
        _ command: JSONObject, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        guard let desk = command["desk"]?.stringValue, let reference = command["ref"] else {
            return
        }
        let id = command["id"]?.stringValue ?? ""
        var reply: JSONObject = [
            "type": .string("\(command["type"]?.stringValue ?? "")_done"), "ref": reference,
        ]
        if let known = self.answers[id], !self.flaws.contains(.forgetsRequests) {
            reply["value"] = known
        } else if let done = try self.module.handle(command) {
            if done.isChange { self.note(done.answer, of: command, id, &context) }
            reply["value"] = done.answer
        } else {
            reply["error"] = "there is no such command"
        }
        context.cast(.name(ServerDesk.name, on: desk), reply)
    }

    private mutating func note(
        _ answer: JSONValue, of command: JSONObject, _ id: String, _ context: inout ProcessContext
    ) {
        self.remember(answer, for: id)
        if self.flaws.contains(.keepsNothing) { return }
        var record = command
        record["ref"] = nil
        record["desk"] = nil
        context.append(.object(record))
    }

    private mutating func remember(_ answer: JSONValue, for id: String) {
        if self.answers.updateValue(answer, forKey: id) == nil { self.order.append(id) }
        if self.order.count > Self.memoryMax {
            self.answers[self.order.removeFirst()] = nil
        }
    }
}
