import ChaosCore
import NodeKit

/// A client's request as it stands in the log, with the node that is to answer it.
struct RaftCommand: Hashable, Sendable {
    let client: String
    let request: JSONObject
    /// The node that the client talked to, and its incarnation then.
    let via: String
    let life: Int64

    init(client: String, request: JSONObject, via: String, life: Int64) {
        self.client = client
        self.request = request
        self.via = via
        self.life = life
    }

    var json: JSONValue {
        [
            "client": .string(self.client), "request": .object(self.request),
            "via": .string(self.via), "life": .int(self.life),
        ]
    }

    init?(_ json: JSONValue) {
        guard let client = json["client"]?.stringValue,
            let request = json["request"]?.objectValue, let via = json["via"]?.stringValue,
            let life = json["life"]?.intValue
        else { return nil }
        self.init(client: client, request: request, via: via, life: life)
    }

    /// What tells it from every other command: its client and all that the client said, `msg_id`
    /// included.
    var identity: JSONValue { [.string(self.client), .object(self.request)] }

    /// The request as the client sent it.
    var message: Message { Message(from: self.client, to: self.via, body: self.request) }
}
