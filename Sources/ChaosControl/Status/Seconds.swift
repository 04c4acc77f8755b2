import ChaosCore

// Times of a run are seconds since its start on the wire, to the millisecond: what people read and
// what other languages take without thought.

extension JSONValue {
    /// A moment of the run in seconds.
    static func seconds(_ instant: Instant) -> JSONValue {
        .double(Double(instant.nanoseconds / 1_000_000) / 1000)
    }

    /// The moment that a number of seconds names.
    var instantValue: Instant? {
        guard let seconds = self.doubleValue, seconds >= 0, seconds < 9e9 else { return nil }
        return Instant(nanoseconds: Int64((seconds * 1000).rounded()) * 1_000_000)
    }
}

/// Reads the members of an object that this module wrote, and says which one is wrong.
struct StatusFields {
    let json: JSONValue
    /// Where the object stands, such as `nodes[0]`.
    let place: String

    init(_ json: JSONValue, _ place: String) throws(CommandError) {
        self.json = json
        self.place = place
        if json.objectValue == nil { throw self.error("is an object") }
    }

    func error(_ rule: String) -> CommandError {
        CommandError(.badReply, "the run's answer: \(self.place) \(rule)")
    }

    func text(_ key: String) throws(CommandError) -> String {
        guard let text = self.json[key]?.stringValue else {
            throw self.error("has a text '\(key)'")
        }
        return text
    }

    func number(_ key: String) throws(CommandError) -> Int64 {
        guard let number = self.json[key]?.intValue else {
            throw self.error("has a number '\(key)'")
        }
        return number
    }

    func flag(_ key: String) throws(CommandError) -> Bool {
        guard let flag = self.json[key]?.boolValue else {
            throw self.error("has true or false in '\(key)'")
        }
        return flag
    }

    func instant(_ key: String) throws(CommandError) -> Instant {
        guard let instant = self.json[key]?.instantValue else {
            throw self.error("has seconds in '\(key)'")
        }
        return instant
    }

    /// The texts of a list; a missing list is empty.
    func texts(_ key: String) throws(CommandError) -> [String] {
        guard let value = self.json[key] else { return [] }
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count else {
            throw self.error("has a list of texts in '\(key)'")
        }
        return texts
    }

    /// The objects of a list; a missing list is empty.
    func list<Element>(
        _ key: String, _ read: (StatusFields) throws(CommandError) -> Element
    ) throws(CommandError) -> [Element] {
        guard let value = self.json[key] else { return [] }
        guard let objects = value.arrayValue else { throw self.error("has a list '\(key)'") }
        var elements: [Element] = []
        for (index, object) in objects.enumerated() {
            elements.append(try read(StatusFields(object, "\(key)[\(index)]")))
        }
        return elements
    }
}
