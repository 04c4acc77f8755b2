import ChaosCore

/// The messages of a run that were taken down, with what became of each.
package struct MessageLog: Hashable, Sendable {
    /// One message on one link.
    package struct Message: Hashable, Sendable {
        /// Who sent it.
        package var source: String
        /// For whom it was.
        package var target: String
        /// The link with its port.
        package var link: String
        /// What kind it is, where that can be told.
        package var type: String?
        /// How many bytes it has.
        package var size: Int
        /// Its first bytes.
        package var text: String
        /// When it was read from its sender, in seconds since the start.
        package var sent: Double
        /// When it was handed to its receiver, each time.
        package var arrivals: [Double] = []
        /// What took it away.
        package var lostTo: String?
    }

    /// In the order in which they were sent.
    package private(set) var messages: [Message] = []

    /// Where a message stands in the list, by its link, connection, direction and number.
    private var places: [String: Int] = [:]

    /// No messages.
    package init() {}

    /// Takes the next line of `messages.jsonl`, without its end; one that is no such thing, as a killed chaos
    /// may leave, is skipped.
    package mutating func append(_ line: ArraySlice<UInt8>) {
        guard let step = try? JSONValue(parsing: line),
            let seconds = step["t"]?.doubleValue,
            let link = step["link"]?.stringValue, let connection = step["connection"]?.intValue,
            let direction = step["direction"]?.stringValue,
            let number = step["message"]?.intValue
        else { return }
        let key = "\(link) \(connection) \(direction) \(number)"
        switch step["event"]?.stringValue {
        case "sent":
            guard let ends = Self.ends(of: link) else { return }
            self.places[key] = self.messages.count
            self.messages.append(
                Message(
                    source: ends.source, target: ends.target, link: link,
                    type: step["type"]?.stringValue,
                    size: Int(step["bytes"]?.intValue ?? 0),
                    text: step["text"]?.stringValue ?? "", sent: seconds))
        case "left":
            if let place = self.places[key] { self.messages[place].arrivals.append(seconds) }
        case "lost":
            if let place = self.places[key] {
                self.messages[place].lostTo = step["by"]?.stringValue ?? "a fault"
            }
        default: return
        }
    }

    /// Everybody who sent or got a message, in order of appearance.
    var participants: [String] {
        var seen: Set<String> = []
        return self.messages.flatMap { [$0.source, $0.target] }.filter { seen.insert($0).inserted }
    }

    /// `n1` and `n2` of `n1->n2:main`.
    private static func ends(of link: String) -> (source: String, target: String)? {
        guard let pattern = try? LinkPattern(parsing: link),
            let source = pattern.sources.exactNames.first,
            let target = pattern.targets.exactNames.first
        else { return nil }
        return (source.text, target.text)
    }
}
