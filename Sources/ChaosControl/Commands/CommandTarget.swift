import ChaosCore

/// What commands act on: the live run.
package protocol CommandTarget: Sendable {
    /// Carries out a command and returns once it took effect.
    ///
    /// The answer is an ``InjectionReceipt`` for `partition`, `hold` and `set`, an ``EndingReceipt``
    /// for `heal`, `release` and `clear`, a ``ProcessReceipt`` for node commands, a ``RunStatus`` for
    /// `status`, each as JSON.
    ///
    /// - Throws: `CommandError` when nothing was changed.
    func perform(_ command: Command) async throws(CommandError) -> JSONValue

    /// What happens in the run from now on; the stream finishes with the run.
    ///
    /// Called once per subscriber; must not block. ``EventFeed`` makes such streams.
    func events() -> AsyncStream<JSONValue>
}

/// Says why a command was not carried out, or that nobody knows whether it was.
package struct CommandError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of thing went wrong, for programs.
    package var code: Code
    /// One sentence for people.
    package var message: String
    /// What to do instead, where that is known.
    package var hint: String?

    /// What kind of thing went wrong.
    package enum Code: String, CaseIterable, Sendable {
        /// The line is no JSON object.
        case badJSON = "bad-json"
        /// The line is longer than 1 MiB.
        case tooLarge = "too-large"
        /// There is no such operation.
        case unknownOperation = "unknown-op"
        /// A field is unknown, missing or breaks its rule.
        case badRequest = "bad-request"
        /// A node, port, link or injection does not exist.
        case notFound = "not-found"
        /// The present state does not allow it, such as resuming a node that is not paused.
        case conflict
        /// This backend or platform cannot do it.
        case unsupported
        /// It was tried and did not work; nothing was changed.
        case failed
        /// No answer in time: whether the command took effect is unknown.
        case busy
        /// The connection ended before the answer: whether the command took effect is unknown.
        case disconnected
        /// No run listens at the socket.
        case unreachable
        /// The answer is none that this version understands.
        case badReply = "bad-reply"
    }

    /// Makes an error.
    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// Makes an error from something that a person wrote; `field` says where it stood.
    package init(_ error: InputError, in field: String? = nil) {
        let place = field.map { "\($0): " } ?? ""
        self.init(.badRequest, place + error.sentence, hint: error.hint)
    }

    /// Whether the command may have taken effect all the same.
    package var isOutcomeUnknown: Bool { self.code == .busy || self.code == .disconnected }

    /// The sentence, and the hint on a line of its own.
    package var description: String { self.message + (self.hint.map { "\nhint: \($0)" } ?? "") }

    /// The error as replies carry it.
    package var json: JSONValue {
        var object: JSONObject = [
            "code": .string(self.code.rawValue), "message": .string(self.message),
        ]
        if let hint = self.hint { object["hint"] = .string(hint) }
        return .object(object)
    }

    /// Reads an error of a reply; one that is not understood says so.
    package init(json: JSONValue) {
        guard let word = json["code"]?.stringValue, let code = Code(rawValue: word),
            let message = json["message"]?.stringValue
        else {
            self.init(.badReply, "an error has a code and a message, found '\(json.text)'")
            return
        }
        self.init(code, message, hint: json["hint"]?.stringValue)
    }
}
