import ChaosCore
import NodeKit

// S35: a setting of an application that somebody changes while it runs.
//
//     configure{value} -> configure_ok{version}     from now on this value, on all nodes
//     read             -> read_ok{version, value}   what the application of this node goes by
//
// A version is [number, node]: later ones have greater numbers, and of two with the same number that of the greater name
// counts, on all nodes. The value that the application was built with has the version [0, ""].

extension ReferenceSystem {
    static let configuration = ReferenceSystem(
        name: "configuration",
        summary: "a setting that is changed while the application runs",
        variants: [
            Variant("at-run-time", "looks it up when it is needed; versions, compared and on disk")
            {
                ConfigurationNode()
            },
            Variant("captured", "looks it up when it starts") {
                ConfigurationNode(.capturesAtStart)
            },
            Variant("told-once", "a change is told to the others, once") {
                ConfigurationNode(.neverCompares)
            },
            Variant("volatile", "a change is in memory, and the file has what it had") {
                ConfigurationNode(.forgets)
            },
        ])
}

/// A node whose application goes by a setting that all nodes share: what is new is told at once, what that misses is
/// found by comparing notes (``Replica``), and of two changes the later one counts (``LatestWrites``).
struct ConfigurationNode: Node {
    enum Flaw: Sendable {
        /// The application knows the value that it started with.
        case capturesAtStart
        /// Who missed a change never asks.
        case neverCompares
        /// A change is not written down.
        case forgets
    }

    private typealias Settings = Replica<LatestWrites>

    private static let key: JSONValue = "setting"
    /// What the application was built with.
    private static let builtIn = LatestWrites.part(Self.key, 0, .init(time: 0, node: ""))

    private let flaw: Flaw?
    private var name = ""
    private var settings = Settings()
    /// What the application started with.
    private var captured = ConfigurationNode.builtIn

    init(_ flaw: Flaw? = nil) { self.flaw = flaw }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started(let membership):
            self.name = membership.id
            let effects = self.settings.start(membership)
            self.captured = self.current
            return self.flaw == .neverCompares ? [] : effects
        case .timer: return self.settings.compare()
        case .message(let message):
            let before = self.current
            let effects = self.take(message)
            // Before anybody hears of it: who has seen a version never sees an older one here.
            let isNew = self.current != before && self.flaw != .forgets
            return (isNew ? [.append(self.current)] : []) + effects
        }
    }

    private mutating func take(_ message: Message) -> [Effect] {
        switch message.type {
        case "configure":
            let stamp = LatestWrites.Stamp(time: self.settings.state.time + 1, node: self.name)
            let change = LatestWrites.part(Self.key, message["value"] ?? nil, stamp)
            let body: JSONObject = ["type": "configure_ok", "version": Self.version(of: change)]
            return self.settings.learn([change], from: "") + [.reply(to: message, body)]
        case "read":
            let used = self.flaw == .capturesAtStart ? self.captured : self.current
            let body: JSONObject = [
                "type": "read_ok", "version": Self.version(of: used),
                "value": used.arrayValue?[1] ?? nil,
            ]
            return [.reply(to: message, body)]
        case let type where Settings.messageTypes.contains(type):
            return self.settings.receive(message)
        default: return [.unsupported(message)]
        }
    }

    /// The newest change that is known here.
    private var current: JSONValue { self.settings.state.part(of: Self.key) ?? Self.builtIn }

    private static func version(of change: JSONValue) -> JSONValue {
        .array(Array((change.arrayValue ?? []).suffix(2)))
    }
}
