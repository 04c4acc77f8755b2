import ChaosCore

extension MessageMatch {
    /// Whether a message has the type and the fields that are asked for. Direction and counts are
    /// not looked at.
    ///
    /// Texts compare as they are, all other values by their JSON text: `3`, `true`, `null`,
    /// `[1,2]`. RESP commands compare whatever their case. A path that the message does not have
    /// matches nothing.
    package func matchesContent(of message: MessageView) -> Bool {
        if let type = self.type {
            let wanted =
                message.framing == .resp && message.side == .requests ? type.uppercased() : type
            if message.type != wanted { return false }
        }
        return self.fields.allSatisfy { field in
            guard let value = message.field(field.path) else { return false }
            return (value.stringValue ?? value.text) == field.value
        }
    }
}
