import ChaosCore
import NodeKit

// A log for each key, as in Kafka: records get offsets that grow, and are polled in that order.
//
//     send{key, msg}               -> send_ok{offset}
//     poll{offsets: {k: o}}        -> poll_ok{msgs: {k: [[o, m], …]}}      from o on
//     commit_offsets{offsets}      -> commit_offsets_ok
//     list_committed_offsets{keys} -> list_committed_offsets_ok{offsets}

extension ReferenceSystem {
    static let kafka = ReferenceSystem(
        name: "kafka", summary: "append-only logs that keep every record and its place",
        variants: [
            Variant("lin-kv", "blocks of records in lin-kv, changed by compare-and-set") {
                StoredLogNode()
            },
            Variant("owners", "each log lives on one node, which the others ask; kept on disk") {
                OwnedLogNode()
            },
            Variant("single", "right for one node: all logs are the node's own; kept on disk") {
                OwnedLogNode([.ownsAll])
            },
            Variant("volatile", "the same in memory only; a restart forgets acknowledged records") {
                OwnedLogNode([.ownsAll, .forgets])
            },
            Variant("resend", "repeats requests that their owner does not know again") {
                OwnedLogNode([.appendsAgain])
            },
            Variant("overwrite", "reads a block and writes it back: of two at once, one is lost") {
                StoredLogNode([.overwrites])
            },
            Variant("holes", "takes an offset, then stores the record: polls go past the gap") {
                SlottedLogNode()
            },
        ])
}

/// A request to the logs.
enum LogRequest {
    case send(key: String, message: JSONValue)
    case poll([(key: String, offset: Int64)])
    case commit([(key: String, offset: Int64)])
    case listCommitted([String])

    /// Reads a request.
    ///
    /// - Throws: ``RequestRefusal`` with the answer to give where it is none.
    init(_ message: Message) throws(RequestRefusal) {
        switch message.type {
        case "send":
            guard let key = message["key"]?.stringValue, let value = message["msg"] else {
                throw RequestRefusal(message, "'send' has a string 'key' and a 'msg'")
            }
            self = .send(key: key, message: value)
        case "poll": self = .poll(try Self.offsets(message))
        case "commit_offsets": self = .commit(try Self.offsets(message))
        case "list_committed_offsets":
            guard let keys = message["keys"]?.arrayValue else {
                throw RequestRefusal(message, "'list_committed_offsets' has a list 'keys'")
            }
            self = .listCommitted(keys.compactMap(\.stringValue))
        default: throw RequestRefusal(unsupported: message)
        }
    }

    private static func offsets(
        _ message: Message
    ) throws(RequestRefusal) -> [(key: String, offset: Int64)] {
        guard let members = message["offsets"]?.objectValue?.members else {
            throw RequestRefusal(message, "'\(message.type)' has an object 'offsets'")
        }
        return members.map { ($0.key, max(0, $0.value.intValue ?? 0)) }
    }
}

extension Effect {
    static func sendOk(to request: Message, _ offset: Int64) -> Effect {
        .reply(to: request, ["type": "send_ok", "offset": .int(offset)])
    }

    static func pollOk(
        to request: Message, _ records: [(key: String, records: [JSONValue])]
    ) -> Effect {
        let members = records.map { (key: $0.key, value: JSONValue.array($0.records)) }
        return .reply(to: request, ["type": "poll_ok", "msgs": .object(JSONObject(members))])
    }

    static func committed(
        to request: Message, _ offsets: [(key: String, offset: Int64)]
    ) -> Effect {
        let members = offsets.map { (key: $0.key, value: JSONValue.int($0.offset)) }
        return .reply(
            to: request,
            ["type": "list_committed_offsets_ok", "offsets": .object(JSONObject(members))])
    }
}
