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

    private mutating func recall(_ command: JSONObject) throws(ProcessExit) {
        guard let done = try self.module.handle(command) else { return }
        self.remember(done.answer, for: command["id"]?.stringValue ?? "")
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
