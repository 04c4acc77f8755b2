import ChaosCore
import NodeKit

// S22: a number in the loop of one process of the first node, which all others share.
//
//     add{delta} -> add_ok     read -> read_ok{value}     cas{from, to} -> cas_ok, or error 22
//
// Between nodes: get{…}, add{delta, …}, set{value, …}, cas{from, to, …}, and …_done{…}.

extension ReferenceSystem {
    static let sharedState = ReferenceSystem(
        name: "shared-state", summary: "a number that one process owns and all share",
        variants: [
            Variant("in-the-loop", "the owner changes it, one change after the other, each once") {
                SharedNumber.node(SharedNumberWords())
            },
            Variant("read-modify-write", "whoever changes it reads it, and writes what comes of it")
            {
                SharedNumber.node(SharedNumberWords(readsFirst: true))
            },
            Variant("no-ids", "a change that comes again is made again") {
                SharedNumber.node(SharedNumberWords(), server: [.forgetsRequests])
            },
            Variant("volatile", "begins with 0 when its process starts again") {
                SharedNumber.node(SharedNumberWords(), server: [.keepsNothing])
            },
            Variant("waits-for-ever", "waits for the reply, and for nothing else") {
                SharedNumber.node(SharedNumberWords(), desk: [.waitsForEver])
            },
        ])
}

/// A number. What cannot be done is answered, and kills nobody.
private struct SharedNumber: ServerModule {
    private var number: Int64 = 0

    var commands: [JSONObject] { [["type": "set", "value": .int(self.number)]] }

    mutating func handle(
        _ command: JSONObject
    ) throws(ProcessExit) -> (answer: JSONValue, isChange: Bool)? {
        switch command["type"]?.stringValue {
        case "get": return (.int(self.number), false)
        case "add":
            guard let delta = command["delta"]?.intValue else { return nil }
            self.number &+= delta
            return (.int(self.number), true)
        case "set":
            guard let value = command["value"]?.intValue else { return nil }
            self.number = value
            return (.int(value), true)
        case "cas":
            guard let from = command["from"]?.intValue, let to = command["to"]?.intValue else {
                return nil
            }
            let isMet = self.number == from
            if isMet { self.number = to }
            return (.bool(isMet), true)
        default: return nil
        }
    }

    static func node(
        _ words: SharedNumberWords, server: Set<GenericServer<SharedNumber>.Flaw> = [],
        desk: Set<ServerDesk.Flaw> = []
    ) -> ProcessNode {
        ProcessNode(
            requests: [
                "add": ServerDesk.name, "read": ServerDesk.name, "cas": ServerDesk.name,
            ]
        ) {
            Supervisor(
                .oneForOne,
                [
                    Supervisor.Child("state") { GenericServer(SharedNumber(), server) },
                    Supervisor.Child(ServerDesk.name) { ServerDesk(words, desk) },
                ])
        }
    }
}

private struct SharedNumberWords: ServerWords {
    let server = "state"
    /// Whether an addition is a read and a write.
    var readsFirst = false

    func command(for request: Message) -> JSONObject {
        if request.type == "read" || request.type == "add" && self.readsFirst {
            return ["type": "get"]
        }
        var command: JSONObject = ["type": .string(request.type)]
        for key in ["delta", "from", "to"] { command[key] = request[key] }
        return command
    }

    func command(
        for request: Message, after command: JSONObject, _ value: JSONValue
    ) -> JSONObject? {
        guard request.type == "add", command["type"] == "get", let read = value.intValue,
            let delta = request["delta"]?.intValue
        else { return nil }
        return ["type": "set", "value": .int(read &+ delta)]
    }

    func answer(to request: Message, _ value: JSONValue) -> JSONObject {
        switch request.type {
        case "read": ["type": "read_ok", "value": value]
        case "cas" where value == false:
            [
                "type": "error", "code": .int(ErrorCode.preconditionFailed.rawValue),
                "text": "it is another value",
            ]
        default: ["type": .string("\(request.type)_ok")]
        }
    }
}
