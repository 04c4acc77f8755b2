import ChaosCore
import NodeKit

/// Who belongs to which group, and where.
struct GroupMembership {
    /// The groups that there are.
    enum Group: String { case clients, lobby }

    let name: JSONValue
    let pid: PID

    /// Members of the lobby are named so: `["lobby", "n1"]`.
    var group: Group {
        self.name.arrayValue?.first?.stringValue == Group.lobby.rawValue ? .lobby : .clients
    }

    /// The name of a node's member of the lobby.
    static func lobby(of node: String) -> [JSONValue] {
        [.string(Group.lobby.rawValue), .string(node)]
    }
}

/// A member of a group: keeps what is published to it, each publication once, however often its message comes.
struct GroupMember: Behaviour {
    /// Whether it joins the lobby by itself.
    private let isOfTheLobby: Bool
    private var birth = Duration.zero
    private var inbox: [JSONValue] = []
    private var known: Set<JSONValue> = []

    init(isOfTheLobby: Bool = false) { self.isOfTheLobby = isOfTheLobby }

    mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
        switch mail {
        case .started:
            self.birth = context.now
            guard self.isOfTheLobby else { return }
            let node = context.pid.node
            context.cast(
                .name(ProcessGroups.registry, on: node),
                [
                    "type": "join", "name": .array(GroupMembership.lobby(of: node)),
                    "pid": context.pid.json,
                ])
        case .cast(let body):
            if let id = body["id"], self.known.insert(id).inserted {
                self.inbox.append(body["value"] ?? .null)
            }
        case .call(_, let caller):
            let age = (context.now - self.birth).wholeNanoseconds / 1000
            context.reply(caller, ["value": .array(self.inbox), "age_us": .int(age)])
        default: break
        }
    }
}
