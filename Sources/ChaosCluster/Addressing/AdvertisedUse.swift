import ChaosScenario

extension NodeSpec {
    /// Whether the node is told an address that is the same for everyone: then whoever dials there is
    /// told apart by his socket alone.
    package var usesAdvertisedAddress: Bool {
        var texts = self.environment.map(\.value) + [self.directory ?? ""]
        switch self.command {
        case .text(let text): texts.append(text)
        case .words(let words): texts += words
        }
        return texts.contains { Placeholders.mentionsAdvertisedAddress($0) }
    }
}

extension Placeholders {
    /// Whether `{advertise…}`, `{member…}`, `{members…}` or `CHAOS_ADVERTISE…` occur in a text.
    static func mentionsAdvertisedAddress(_ text: String) -> Bool {
        if text.contains("CHAOS_ADVERTISE") { return true }
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            rest = rest[rest.index(after: open)...]
            guard let placeholder = Self.takePlaceholder(from: &rest) else { continue }
            let word = placeholder.name.prefix { $0 != "." }
            if ["advertise", "member", "members"].contains(word) { return true }
        }
        return false
    }
}
