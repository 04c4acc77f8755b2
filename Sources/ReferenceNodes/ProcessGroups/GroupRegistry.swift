import ChaosCore
import NodeKit

/// Knows who belongs, on all nodes: an OR-set whose dots are the processes themselves, because no process is ever another one
/// (``PID``). A member that ends is marked; the mark stays, so that nobody who missed the end brings it back.
///
/// Each registry monitors the members of its own node, and marks those of its node's earlier lives when it hears of them. Members on a node
/// that cannot be heard are not shown meanwhile: whether they live, nobody knows. So after a heal all see the union.
struct GroupRegistry: Behaviour {
    private static let interval = Duration.milliseconds(200)

    private let flaws: Set<ProcessGroups.Flaw>
    private var entries = ObservedRemoveSet()
    /// All parts that were ever heard of, by their process.
    private var dots: [JSONValue] = []
    /// The members on this node.
    private var own: [JSONValue: PID] = [:]
    private var monitors: [MonitorReference: JSONValue] = [:]
    /// Who waits for a member's end.
    private var leaving: [JSONValue: Message] = [:]
    /// Who waits for what a member got.
    private var asking: [CallReference: Message] = [:]
    private var publisher = GroupPublisher()

    init(flaws: Set<ProcessGroups.Flaw>) { self.flaws = flaws }

    mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
        switch mail {
        case .started: context.setTimer("compare", after: Self.interval)
        case .timer: self.compare(&context)
        case .cast(let body):
            switch body["type"]?.stringValue {
            case "join": self.welcome(body, &context)
            default:
                self.learn(body["parts"]?.arrayValue ?? [], &context)
                guard let node = body["all_of"]?.stringValue else { return }
                self.publisher.merged(node, self.members(context), &context)
            }
        case .nodeUp(let node):
            if !self.flaws.contains(.tellsOnce) {
                context.cast(
                    .name(ProcessGroups.registry, on: node), self.everything(of: context.pid.node))
                // Who belongs there is known when as much comes from there.
                if !self.flaws.contains(.publishesAtOnce) { self.publisher.wait(for: node) }
            }
            self.publisher.greet(node, self.members(context), &context)
        case .nodeDown(let node): self.publisher.giveUp(node)
        case .down(let monitor, _, _):
            if let name = self.monitors.removeValue(forKey: monitor) { self.end(name, &context) }
        case .answer(let call, let outcome):
            guard let request = self.asking.removeValue(forKey: call) else { return }
            guard case .reply(let body) = outcome else {
                let text = "the member has ended"
                return context.answer(.error(to: request, .keyDoesNotExist, text))
            }
            var reply = body
            reply["type"] = "inbox_ok"
            context.answer(.reply(to: request, reply))
        case .request(let request): self.serve(request, &context)
        default: break
        }
    }

    // MARK: Clients

    private mutating func serve(_ request: Message, _ context: inout ProcessContext) {
        let name = request["element"] ?? .null
        switch request.type {
        case "add": self.join(name, request, &context)
        case "remove": self.leave(name, request, &context)
        case "publish":
            let message = request["message"] ?? .null
            let members = self.members(context)
            let count = self.publisher.publish(message, in: .clients, members, &context)
            context.answer(
                .reply(to: request, ["type": "publish_ok", "count": .int(Int64(count))]))
        case "greetings":
            let greetings = self.publisher.greetings(at: context.now)
            context.answer(.reply(to: request, ["type": "greetings_ok", "value": greetings]))
        case "inbox":
            guard let pid = self.own[name] else {
                let text = "no member of this name is on this node"
                return context.answer(.error(to: request, .keyDoesNotExist, text))
            }
            let call = context.call(.pid(pid), ["type": "inbox"], within: .seconds(1))
            self.asking[call] = request
        default:
            let names = self.members(context).filter { $0.group == .clients }.map(\.name)
            context.answer(.reply(to: request, ["type": "read_ok", "value": .array(names)]))
        }
    }

    private mutating func join(
        _ name: JSONValue, _ request: Message, _ context: inout ProcessContext
    ) {
        if self.own[name] == nil {
            let pid = context.spawn(GroupMember(), isLinked: false)
            self.own[name] = pid
            // From its first moment: one that is dead already is told as well.
            if !self.flaws.contains(.neverMonitors) {
                self.monitors[context.monitor(.pid(pid))] = name
            }
            self.tell([ObservedRemoveSet.part(pid.json, name, isRemoved: false)], &context)
        }
        context.answer(.reply(to: request, ["type": "add_ok"]))
    }

    /// A process of this node belongs to a group from its first moment. Those who cannot be heard yet hear of it when they can.
    private mutating func welcome(_ body: JSONObject, _ context: inout ProcessContext) {
        guard let name = body["name"], let pid = PID(json: body["pid"]) else { return }
        self.own[name] = pid
        if !self.flaws.contains(.neverMonitors) {
            self.monitors[context.monitor(.pid(pid))] = name
        }
        let part = ObservedRemoveSet.part(pid.json, name, isRemoved: false)
        self.take(part)
        for node in context.connected {
            context.cast(
                .name(ProcessGroups.registry, on: node), ["type": "entries", "parts": [part]])
        }
    }

    private mutating func leave(
        _ name: JSONValue, _ request: Message, _ context: inout ProcessContext
    ) {
        guard let pid = self.own[name] else {
            let text = "no member of this name is on this node"
            return context.answer(.error(to: request, .keyDoesNotExist, text))
        }
        context.exit(pid, .killed)
        if self.flaws.contains(.neverMonitors) {
            self.own[name] = nil
            return context.answer(.reply(to: request, ["type": "remove_ok"]))
        }
        self.leaving[name] = request
    }

    /// A member of this node has ended, asked to or not.
    private mutating func end(_ name: JSONValue, _ context: inout ProcessContext) {
        guard let pid = self.own.removeValue(forKey: name) else { return }
        self.tell([ObservedRemoveSet.part(pid.json, name, isRemoved: true)], &context)
        if let request = self.leaving.removeValue(forKey: name) {
            context.answer(.reply(to: request, ["type": "remove_ok"]))
        }
    }

    // MARK: Who belongs

    /// The members on nodes that can be heard.
    private func members(_ context: ProcessContext) -> [GroupMembership] {
        let reachable = context.connected + [context.membership.id]
        return self.dots.compactMap { dot in
            guard let pid = PID(json: dot), reachable.contains(pid.node),
                let part = self.entries.part(of: dot)?.arrayValue, part[4] == false
            else { return nil }
            return GroupMembership(name: part[3], pid: pid)
        }
    }

    private func everything(of node: String) -> JSONObject {
        let parts = self.dots.compactMap { self.entries.part(of: $0) }
        return ["type": "entries", "all_of": .string(node), "parts": .array(parts)]
    }

    private mutating func tell(_ parts: [JSONValue], _ context: inout ProcessContext) {
        for part in parts { self.take(part) }
        context.castToOthers(
            ProcessGroups.registry, ["type": "entries", "parts": .array(parts)])
    }

    private mutating func take(_ part: JSONValue) {
        guard let dot = ObservedRemoveSet.key(of: part) else { return }
        if self.entries.part(of: dot) == nil { self.dots.append(dot) }
        _ = self.entries.join(part)
    }

    /// Takes over what another node knows. What it knows of this node's earlier lives is over; and of members that a registry before this one
    /// had started, a monitor tells whether they live.
    private mutating func learn(_ parts: [JSONValue], _ context: inout ProcessContext) {
        var over: [JSONValue] = []
        for part in parts {
            self.take(part)
            guard let dot = ObservedRemoveSet.key(of: part), let pid = PID(json: dot),
                pid.node == context.pid.node,
                let known = self.entries.part(of: dot)?.arrayValue, known[4] == false
            else { continue }
            let name = known[3]
            if pid.incarnation != context.pid.incarnation {
                over.append(ObservedRemoveSet.part(dot, name, isRemoved: true))
            } else if self.own[name] == nil, !self.flaws.contains(.neverMonitors) {
                self.own[name] = pid
                self.monitors[context.monitor(.pid(pid))] = name
            }
        }
        if !over.isEmpty { self.tell(over, &context) }
    }

    private mutating func compare(_ context: inout ProcessContext) {
        context.setTimer("compare", after: context.randomness.jittered(Self.interval))
        guard !self.flaws.contains(.tellsOnce),
            let node = context.randomness.pick(context.connected)
        else { return }
        context.cast(
            .name(ProcessGroups.registry, on: node), self.everything(of: context.pid.node))
    }
}
