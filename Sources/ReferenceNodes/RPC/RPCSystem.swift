import ChaosCore
import NodeKit

// S06: every node lets the first one do the work, by a remote procedure call. The three delivery guarantees
// differ in what a caller does when no answer comes, and in what the server does when a request comes again.
//
//     add{delta} -> add_ok   read -> read_ok{value}   echo{echo} -> echo_ok{echo}
//
// Between nodes: rpc{fn, …} -> rpc_ok{…}, with fn one of add, read and echo.
//
// | | request lost | answer lost | request doubled | answer late |
// |---|---|---|---|---|
// | exactly-once | done, later | done once | done once | nobody's |
// | at-least-once | done, later | done twice | done twice | nobody's |
// | at-most-once | not done, and nobody knows | done, and nobody knows | done twice | nobody's |
// | one-slot | not done, and nobody knows | done, and nobody knows | done twice | the next caller's |

extension ReferenceSystem {
    static let rpc = ReferenceSystem(
        name: "rpc", summary: "remote procedure calls with the three delivery guarantees",
        variants: [
            Variant("exactly-once", "asks until it is answered; the server knows what it has done")
            {
                RPCNode(.exactlyOnce)
            },
            Variant("at-least-once", "asks until it is answered: a lost answer is done twice") {
                RPCNode(.atLeastOnce)
            },
            Variant("at-most-once", "asks once: a lost request is not done") {
                RPCNode(.atMostOnce)
            },
            Variant("one-slot", "asks once, and takes whatever comes for the answer") {
                OneSlotRPCNode()
            },
        ])
}

/// A procedure and what it is called with.
struct ProcedureCall {
    let function: String
    let body: JSONObject

    /// Reads a client's request, or what another node passes on.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ message: Message) throws(RequestRefusal) {
        let function = message.type == "rpc" ? message["fn"]?.stringValue ?? "" : message.type
        guard ["add", "read", "echo"].contains(function) else {
            throw RequestRefusal(unsupported: message)
        }
        if function == "add", message["delta"]?.intValue == nil {
            throw RequestRefusal(message, "'add' has a whole number in 'delta'")
        }
        self.function = function
        var body: JSONObject = ["type": "rpc", "fn": .string(function)]
        for key in ["delta", "echo"] { body[key] = message[key] }
        self.body = body
    }

    /// The answer to a client, from that of the node that did the work.
    func answer(_ result: JSONObject) -> JSONObject {
        var answer = result
        answer["type"] = .string("\(self.function)_ok")
        answer["in_reply_to"] = nil
        return answer
    }
}

/// What the server does: a count, and texts that come back.
struct ProcedureServer {
    private(set) var count: Int64 = 0

    mutating func run(_ call: ProcedureCall) -> JSONObject {
        switch call.function {
        case "add":
            self.count += call.body["delta"]?.intValue ?? 0
            return ["type": "rpc_ok"]
        case "read": return ["type": "rpc_ok", "value": .int(self.count)]
        default: return ["type": "rpc_ok", "echo": call.body["echo"] ?? nil]
        }
    }
}
