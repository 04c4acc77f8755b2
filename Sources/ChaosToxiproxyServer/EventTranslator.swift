import ChaosCore
import ChaosEngine
import ChaosToxiproxy

/// Turns what the engine writes down into events in the words of proxies and toxics.
struct EventTranslator: Sendable {
    let plane: SocketPlane

    /// The event of an entry; `nil` for what concerns no proxy.
    func translate(_ entry: JournalEntry) -> JSONValue? {
        let details = entry.details
        guard let text = details["link"]?.stringValue, let link = Self.link(text),
            let place = self.plane.start(of: link)
        else { return nil }
        var event: String?
        var members: [(key: String, value: JSONValue)] = [("proxy", .string(place.start.name))]
        if let connection = details["connection"] { members.append(("connection", connection)) }
        switch entry.event {
        case "connection":
            guard let state = details["state"]?.stringValue else { return nil }
            event = "connection_\(state)"
            for key in ["target", "why"] {
                if let value = details[key] { members.append((key, value)) }
            }
            if state == "closed" {
                members.append(("upstream", details["forward"] ?? .null))
                members.append(("downstream", details["backward"] ?? .null))
            }
        case "stage":
            guard let identity = details["stage"]?.intValue,
                let toxic = place.start.toxics.first(where: { $0.identity == Int(identity) })
            else { return nil }
            event = "toxic_hit"
            members.append(("toxic", .string(toxic.name)))
            members.append(("type", .string(toxic.type.rawValue)))
            members.append(("stream", .string(toxic.stream.rawValue)))
        default: return nil
        }
        return Self.json(event ?? entry.event, at: entry.at, members)
    }

    static func json(
        _ event: String, at instant: Instant, _ members: [(key: String, value: JSONValue)]
    ) -> JSONValue {
        let begin: [(key: String, value: JSONValue)] = [
            ("t", .double(Double(instant.nanoseconds / 1000) / 1e6)), ("event", .string(event)),
        ]
        return .object(JSONObject(begin + members))
    }

    private static func link(_ text: String) -> Link? {
        guard let pattern = try? LinkPattern(parsing: text), let port = pattern.port else {
            return nil
        }
        return Link(NodeName(pattern.sources.text), NodeName(pattern.targets.text), port)
    }
}

extension ToxiproxyEvent {
    /// The event as listeners get it.
    func json(at instant: Instant) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = [("proxy", .string(self.proxy))]
        if let toxic = self.toxic { members.append(("toxic", .string(toxic))) }
        return EventTranslator.json(self.kind.rawValue, at: instant, members)
    }
}
