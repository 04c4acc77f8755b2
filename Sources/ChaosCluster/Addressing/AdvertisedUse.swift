import ChaosScenario

extension NodeSpec {
    /// Whether the node is told an address that is the same for everyone: then whoever dials there is
    /// told apart by his socket alone.
    package var usesAdvertisedAddress: Bool {
        self.texts.contains { Placeholders.mentionsAdvertisedAddress($0) }
    }

    /// Whether the node's command, environment or folder say where others are.
    package var isToldPeers: Bool {
        self.texts.contains { text in
            Placeholders.mentionsAdvertisedAddress(text) || text.contains("CHAOS_PEER")
                || Placeholders.mentions(["peer", "peers"], text)
        }
    }

    /// The words of the command, unexpanded; none of one that cannot be split.
    package var commandWords: [String] {
        switch self.command {
        case .text(let text): (try? CommandWords.split(text)) ?? []
        case .words(let words): words
        }
    }

    /// Everything of a node that may hold placeholders.
    package var texts: [String] {
        let texts = self.environment.map(\.value) + [self.directory ?? ""]
        switch self.command {
        case .text(let text): return texts + [text]
        case .words(let words): return texts + words
        }
    }
}

extension Placeholders {
    /// Whether `{advertise…}`, `{member…}`, `{members…}` or `CHAOS_ADVERTISE…` occur in a text.
    static func mentionsAdvertisedAddress(_ text: String) -> Bool {
        text.contains("CHAOS_ADVERTISE") || Self.mentions(["advertise", "member", "members"], text)
    }

    /// Whether placeholders that begin with one of these words occur in a text.
    fileprivate static func mentions(_ words: [Substring], _ text: String) -> Bool {
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            rest = rest[rest.index(after: open)...]
            guard let placeholder = Self.takePlaceholder(from: &rest) else { continue }
            if words.contains(placeholder.name.prefix { $0 != "." }) { return true }
        }
        return false
    }
}
