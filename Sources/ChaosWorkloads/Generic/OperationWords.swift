import ChaosCore

/// The parts of an operation by name, as templates use them: `{key}`, `{value}`, `{from}`, `{to}`.
///
/// What has a key is a pair `[key, argument]`, as Jepsen's independent keys are; everything else is
/// its own value.
struct OperationWords: Hashable, Sendable {
    let function: String
    let argument: JSONValue
    /// Whether arguments are pairs with a key.
    let isKeyed: Bool

    private var pair: (key: JSONValue, argument: JSONValue)? {
        guard self.isKeyed, let parts = self.argument.arrayValue, parts.count == 2 else {
            return nil
        }
        return (parts[0], parts[1])
    }

    private var own: JSONValue { self.pair?.argument ?? self.argument }

    /// The parts with their names.
    var parts: [(name: String, value: JSONValue)] {
        var parts: [(name: String, value: JSONValue)] = [("f", .string(self.function))]
        if let key = self.pair?.key { parts.append(("key", key)) }
        if self.function == "cas", let values = self.own.arrayValue, values.count == 2 {
            parts += [("from", values[0]), ("to", values[1])]
        } else {
            parts.append(("value", self.own))
        }
        return parts
    }

    /// A template with the parts in their places; texts stand there without quotes. Other braces stay.
    func filling(_ template: String) -> String {
        var text = template
        for part in self.parts {
            text = text.replacing("{\(part.name)}", with: part.value.stringValue ?? part.value.text)
        }
        return text
    }

    /// What was read, as the operation's value.
    func value(read: JSONValue) -> JSONValue {
        self.pair.map { [$0.key, read] } ?? read
    }
}

extension JSONValue {
    /// What a text means that a server answered: a number, another JSON value, or a text.
    init(answer text: String) {
        self = (try? JSONValue(parsing: text)) ?? .string(text)
    }
}
