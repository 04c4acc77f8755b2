import ChaosCore
import NodeKit

/// What replicas of a link shortener know: links, which are written once, and views, in a slot for each one who counts (a G-counter).
///
///     ["link", CODE, URL]            of two URLs for one code the smaller one, so that all replicas agree
///     ["views", CODE, SLOT, COUNT]   of two counts of a slot the larger one
///
/// Two sides of a cut network may give one wished-for code to two URLs, and one of them loses it after the heal, though it was
/// acknowledged: that is the price of answering on both sides. Codes that are hashes collide rarely enough.
struct LinkBook: Lattice {
    private var urls: [String: String] = [:]
    private var counts: [String: [String: Int64]] = [:]

    /// Where a code leads.
    func url(of code: String) -> String? { self.urls[code] }

    /// How often a code was followed.
    func views(of code: String) -> Int64 {
        self.counts[code]?.values.reduce(0, +) ?? 0
    }

    /// How often somebody saw a code followed.
    func views(of code: String, in slot: String) -> Int64 { self.counts[code]?[slot] ?? 0 }

    /// The code that a URL has or may have: the one wished for, or the first of its own that is free; `nil` where it belongs to
    /// another URL.
    func code(for url: String, wish: String?) -> String? {
        func isFree(_ code: String) -> Bool { self.urls[code].map { $0 == url } ?? true }
        if let wish { return isFree(wish) ? wish : nil }
        return (0..<8).lazy.map { LinkCode.sha256.code(of: url, salt: $0) }.first(where: isFree)
    }

    /// A link as a part.
    static func link(_ code: String, _ url: String) -> JSONValue {
        ["link", .string(code), .string(url)]
    }

    /// A slot of views as a part.
    static func views(_ code: String, _ slot: String, _ count: Int64) -> JSONValue {
        ["views", .string(code), .string(slot), .int(count)]
    }

    private enum Part {
        case link(code: String, url: String)
        case views(code: String, slot: String, count: Int64)

        init?(_ json: JSONValue) {
            guard let words = json.arrayValue, words.count >= 3, let code = words[1].stringValue,
                let text = words[2].stringValue
            else { return nil }
            switch words[0] {
            case "link" where words.count == 3: self = .link(code: code, url: text)
            case "views" where words.count == 4:
                guard let count = words[3].intValue else { return nil }
                self = .views(code: code, slot: text, count: count)
            default: return nil
            }
        }
    }

    static func key(of part: JSONValue) -> JSONValue? {
        switch Part(part) {
        case .link(let code, _)?: ["link", .string(code)]
        case .views(let code, let slot, _)?: ["views", .string(code), .string(slot)]
        case nil: nil
        }
    }

    func part(of key: JSONValue) -> JSONValue? {
        let words = (key.arrayValue ?? []).compactMap(\.stringValue)
        switch words.count {
        case 2: return self.urls[words[1]].map { Self.link(words[1], $0) }
        case 3:
            return self.counts[words[1]]?[words[2]].map { Self.views(words[1], words[2], $0) }
        default: return nil
        }
    }

    mutating func join(_ part: JSONValue) -> Bool {
        switch Part(part) {
        case .link(let code, let url)?:
            if let known = self.urls[code], known <= url { return false }
            self.urls[code] = url
        case .views(let code, let slot, let count)?:
            if let known = self.counts[code]?[slot], known >= count { return false }
            self.counts[code, default: [:]][slot] = count
        case nil: return false
        }
        return true
    }
}
