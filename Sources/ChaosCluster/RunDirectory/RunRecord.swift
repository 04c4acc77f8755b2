import ChaosCore

/// `run.json`: what other commands, and people later, must know about a run.
package struct RunRecord: Hashable, Sendable {
    package var name: String
    package var seed: Seed
    /// The command that started it, word by word.
    package var command: [String]
    /// The command that ran beside the cluster, word by word; empty without one.
    package var wrapped: [String]
    /// The process id of chaos.
    package var pid: Int32
    /// The version of chaos.
    package var version: String
    /// The backend that carries the bytes.
    package var backend: String
    /// Why that one, where somebody had a choice.
    package var backendReason: String?
    /// When it started.
    package var started: WallTime
    /// The control socket, wherever it lies.
    package var socket: String

    package init(
        name: String, seed: Seed, command: [String], wrapped: [String] = [], pid: Int32,
        version: String, backend: String, backendReason: String? = nil, started: WallTime,
        socket: String
    ) {
        self.name = name
        self.seed = seed
        self.command = command
        self.wrapped = wrapped
        self.pid = pid
        self.version = version
        self.backend = backend
        self.backendReason = backendReason
        self.started = started
        self.socket = socket
    }

    /// As it stands in the file. The seed is a text, because many JSON readers know no whole
    /// numbers beyond 2^53.
    package var json: JSONValue {
        var object: JSONObject = [
            "name": .string(self.name),
            "seed": .string(String(self.seed.value)),
            "command": .array(self.command.map { .string($0) }),
            "wrapped": .array(self.wrapped.map { .string($0) }),
            "pid": .int(Int64(self.pid)),
            "version": .string(self.version),
            "backend": .string(self.backend),
            "started": .string(self.started.iso8601),
            "started_seconds": .int(Int64(self.started.seconds)),
            "socket": .string(self.socket),
        ]
        if let reason = self.backendReason { object["backend_reason"] = .string(reason) }
        return .object(object)
    }

    /// Reads the file's content, or nil when it is something else.
    package init?(json: JSONValue) {
        guard let name = json["name"]?.stringValue,
            let seed = json["seed"]?.stringValue.flatMap({ UInt64($0) }),
            let command = json["command"]?.arrayValue,
            let pid = json["pid"]?.intValue.flatMap({ Int32(exactly: $0) }),
            let version = json["version"]?.stringValue,
            let backend = json["backend"]?.stringValue,
            let started = json["started_seconds"]?.intValue,
            let socket = json["socket"]?.stringValue
        else { return nil }
        self.init(
            name: name, seed: Seed(seed), command: command.compactMap(\.stringValue),
            wrapped: (json["wrapped"]?.arrayValue ?? []).compactMap(\.stringValue), pid: pid,
            version: version, backend: backend,
            backendReason: json["backend_reason"]?.stringValue,
            started: WallTime(seconds: Int(started)), socket: socket)
    }
}
