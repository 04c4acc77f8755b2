import ChaosCore
import NodeKit
import OrderedCollections

/// What a replicated log is applied to: the same commands in the same order give the same state and
/// answers on every node.
protocol StateMachine: Sendable {
    init()

    /// Goes back to what ``snapshot`` was.
    init(snapshot: JSONValue)

    /// The whole state.
    var snapshot: JSONValue { get }

    /// Whether a request changes nothing.
    ///
    /// - Throws: ``RequestRefusal`` for what is no request to this machine.
    static func isQuery(_ request: Message) throws(RequestRefusal) -> Bool

    /// Does what a request asks, and says what to answer.
    mutating func apply(_ request: JSONObject) -> JSONObject

    /// Answers a request that changes nothing.
    func query(_ request: JSONObject) -> JSONObject
}

extension JSONObject {
    /// The body of an error reply.
    static func error(_ code: ErrorCode, _ text: String) -> JSONObject {
        ["type": "error", "code": .int(code.rawValue), "text": .string(text)]
    }
}

/// Keys with values.
struct KeyValueMachine: StateMachine {
    private var values: OrderedDictionary<JSONValue, JSONValue> = [:]

    init() {}

    init(snapshot: JSONValue) {
        for entry in snapshot.arrayValue ?? [] {
            guard let pair = entry.arrayValue, pair.count == 2 else { continue }
            self.values[pair[0]] = pair[1]
        }
    }

    var snapshot: JSONValue { .array(self.values.map { [$0.key, $0.value] }) }

    static func isQuery(_ request: Message) throws(RequestRefusal) -> Bool {
        let members: [String]
        switch request.type {
        case "read": members = ["key"]
        case "write": members = ["key", "value"]
        case "cas": members = ["key", "from", "to"]
        default: throw RequestRefusal(unsupported: request)
        }
        for member in members where request[member] == nil {
            throw RequestRefusal(request, "'\(request.type)' has a '\(member)'")
        }
        return request.type == "read"
    }

    mutating func apply(_ request: JSONObject) -> JSONObject {
        let key = request["key"] ?? nil
        if request["type"] == "write" {
            self.values[key] = request["value"]
            return ["type": "write_ok"]
        }
        guard let value = self.values[key] else { return Self.missing(key) }
        guard value == request["from"] else {
            return .error(.preconditionFailed, "\(key.text) is \(value.text)")
        }
        self.values[key] = request["to"]
        return ["type": "cas_ok"]
    }

    func query(_ request: JSONObject) -> JSONObject {
        let key = request["key"] ?? nil
        guard let value = self.values[key] else { return Self.missing(key) }
        return ["type": "read_ok", "value": value]
    }

    private static func missing(_ key: JSONValue) -> JSONObject {
        .error(.keyDoesNotExist, "there is no key \(key.text)")
    }
}
