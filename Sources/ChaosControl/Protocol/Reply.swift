import ChaosCore

/// The one line that answers a request.
package struct Reply: Sendable {
    /// The request's id, word for word; `null` if it had none or could not be read.
    package var id: JSONValue
    /// What came of it.
    package var outcome: Result<JSONValue, CommandError>

    /// Makes a reply.
    package init(id: JSONValue, _ outcome: Result<JSONValue, CommandError>) {
        self.id = id
        self.outcome = outcome
    }

    /// The reply as a JSON object: `id`, `ok`, and `result` or `error`.
    package var json: JSONValue {
        switch self.outcome {
        case .success(let result): ["id": self.id, "ok": true, "result": result]
        case .failure(let error): ["id": self.id, "ok": false, "error": error.json]
        }
    }

    /// Reads a reply; `nil` if the object is none.
    package init?(json: JSONValue) {
        guard let isOk = json["ok"]?.boolValue else { return nil }
        self.id = json["id"] ?? .null
        self.outcome =
            isOk
            ? .success(json["result"] ?? .null)
            : .failure(CommandError(json: json["error"] ?? .null))
    }
}
