/// A process of a node, in one life of that node: nobody else ever has the same.
public struct PID: Hashable, Sendable, CustomStringConvertible {
    /// The node on which it runs.
    public let node: String
    /// The life of the node (``NodeLife/incarnation``).
    public let incarnation: UInt64
    /// The process's number in that life, from 1.
    public let number: UInt64

    init(node: String, incarnation: UInt64, number: UInt64) {
        self.node = node
        self.incarnation = incarnation
        self.number = number
    }

    /// `<n1.3.7>`.
    public var description: String { "<\(self.node).\(self.incarnation).\(self.number)>" }

    /// Reads what ``description`` wrote.
    package init?(_ text: String) {
        guard text.hasPrefix("<"), text.hasSuffix(">") else { return nil }
        let parts = text.dropFirst().dropLast().split(separator: ".")
        guard parts.count > 2, let number = UInt64(parts[parts.count - 1]),
            let incarnation = UInt64(parts[parts.count - 2])
        else { return nil }
        // Names of nodes may have dots.
        let node = parts.dropLast(2).joined(separator: ".")
        self.init(node: node, incarnation: incarnation, number: number)
    }

    /// The process as it travels.
    package var json: JSONValue {
        [
            .string(self.node), .int(Int64(bitPattern: self.incarnation)),
            .int(Int64(bitPattern: self.number)),
        ]
    }

    package init?(json: JSONValue?) {
        guard let parts = json?.arrayValue, parts.count == 3, let node = parts[0].stringValue,
            let incarnation = parts[1].intValue, let number = parts[2].intValue
        else { return nil }
        self.init(
            node: node, incarnation: UInt64(bitPattern: incarnation),
            number: UInt64(bitPattern: number))
    }
}

/// To whom mail goes.
public enum ProcessAddress: Hashable, Sendable {
    /// This process, and none that takes its place.
    case pid(PID)
    /// Whoever has this name on that node when the mail arrives.
    case name(String, on: String)

    /// The node that it is on.
    public var node: String {
        switch self {
        case .pid(let pid): pid.node
        case .name(_, let node): node
        }
    }

    var json: JSONValue {
        switch self {
        case .pid(let pid): pid.json
        case .name(let name, _): .string(name)
        }
    }

    /// Reads an address that arrived at this node.
    init?(json: JSONValue?, at node: String) {
        if let name = json?.stringValue {
            self = .name(name, on: node)
        } else if let pid = PID(json: json) {
            self = .pid(pid)
        } else {
            return nil
        }
    }
}

/// Why a process ended, or why nobody knows any more.
public enum ExitReason: Hashable, Sendable, CustomStringConvertible {
    /// It had nothing left to do.
    case normal
    /// Its supervisor asked it to end.
    case shutdown
    /// Somebody killed it, and it could not say no.
    case killed
    /// There is no such process.
    case noProcess
    /// The node that it is on cannot be heard. Whether it lives, nobody knows.
    case noConnection
    /// It failed, with this sentence.
    case crash(String)

    /// `normal`, `noconnection`, or `crash: SENTENCE`.
    public var description: String {
        switch self {
        case .normal: "normal"
        case .shutdown: "shutdown"
        case .killed: "killed"
        case .noProcess: "noproc"
        case .noConnection: "noconnection"
        case .crash(let sentence): "crash: \(sentence)"
        }
    }

    /// Reads what ``description`` wrote; anything else is a crash of that name.
    package init(_ text: String) {
        let plain: [ExitReason] = [.normal, .shutdown, .killed, .noProcess, .noConnection]
        if let reason = plain.first(where: { $0.description == text }) {
            self = reason
        } else {
            self = .crash(text.hasPrefix("crash: ") ? String(text.dropFirst(7)) : text)
        }
    }

    /// Whether a supervisor of `transient` processes is content with it.
    public var isOrderly: Bool { self == .normal || self == .shutdown }
}
