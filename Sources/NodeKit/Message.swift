@_exported import ChaosCore

// Re-exported because a node's author meets `JSONValue` and `JSONObject` in every message.

/// One message: Maelstrom's envelope around a body.
///
/// On the wire it is one JSON object on a line of its own:
/// `{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":1,"echo":"hello"}}`.
public struct Message: Hashable, Sendable {
    /// Who sent it: a node (`n1`) or a client (`c1`).
    public var source: String
    /// Whom it is for.
    public var destination: String
    /// What it says. `type` is always there; requests have a `msg_id`, replies an `in_reply_to`.
    public var body: JSONObject

    /// Makes a message.
    public init(from source: String, to destination: String, body: JSONObject) {
        self.source = source
        self.destination = destination
        self.body = body
    }

    /// What kind of message this is; empty when the body does not say.
    public var type: String { self.body["type"]?.stringValue ?? "" }

    /// The sender's number for a request that wants a reply.
    public var id: Int64? { self.body["msg_id"]?.intValue }

    /// The `msg_id` of the request that this replies to.
    public var inReplyTo: Int64? { self.body["in_reply_to"]?.intValue }

    /// A member of the body.
    public subscript(key: String) -> JSONValue? { self.body[key] }

    /// The message as one line of JSON, without the line feed.
    public var line: String {
        let json: JSONValue = [
            "src": .string(self.source), "dest": .string(self.destination),
            "body": .object(self.body),
        ]
        return json.text
    }

    /// Reads a message from the bytes of one line.
    ///
    /// Unknown members of the envelope are ignored (Maelstrom adds an `id`).
    ///
    /// - Throws: `MessageError` when the line is not JSON or a part of the envelope is missing.
    public init(parsing line: some Collection<UInt8>) throws(MessageError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: line)
        } catch {
            throw MessageError("a message is one JSON object on a line: \(error)")
        }
        guard let source = json["src"]?.stringValue else {
            throw MessageError("a message has its sender's name in 'src'")
        }
        guard let destination = json["dest"]?.stringValue else {
            throw MessageError("a message has its receiver's name in 'dest'")
        }
        guard let body = json["body"]?.objectValue, body["type"]?.stringValue != nil else {
            throw MessageError("a message has an object with a 'type' in 'body'")
        }
        self.init(from: source, to: destination, body: body)
    }
}

/// Says why a line is not a message.
public struct MessageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken, as a sentence without a full stop.
    public let description: String

    init(_ description: String) { self.description = description }
}
