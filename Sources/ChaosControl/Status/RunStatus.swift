import ChaosCore

/// What a live run looks like at one moment: the answer to `status`.
package struct RunStatus: Hashable, Sendable {
    /// The run itself.
    package var run: Run
    /// The nodes in the scenario's order.
    package var nodes: [Node]
    /// The directed links, per port, in order.
    package var links: [Link]
    /// How many links are not among them, for nothing happens on them; `nil` where all are.
    package var quietLinks: Int?
    /// The partitions and holds that are active, oldest first.
    package var partitions: [Partition]
    /// Everything that is active, oldest first, partitions included.
    package var injections: [InjectionSummary]
    /// How far the workload is, in numbers and words of its own; empty without a workload.
    package var workload: JSONObject

    /// Makes a status.
    package init(
        run: Run, nodes: [Node] = [], links: [Link] = [], partitions: [Partition] = [],
        injections: [InjectionSummary] = [], workload: JSONObject = [:]
    ) {
        self.run = run
        self.nodes = nodes
        self.links = links
        self.partitions = partitions
        self.injections = injections
        self.workload = workload
    }

    /// The status as `docs/CONTROL.md` describes it.
    package var json: JSONValue {
        var object: JSONObject = [
            "run": self.run.json, "nodes": .array(self.nodes.map(\.json)),
            "links": .array(self.links.map(\.json)),
        ]
        if let quiet = self.quietLinks { object["quiet_links"] = .int(Int64(quiet)) }
        object["partitions"] = .array(self.partitions.map(\.json))
        object["injections"] = .array(self.injections.map(\.json))
        object["workload"] = .object(self.workload)
        return .object(object)
    }

    /// Reads what ``json`` wrote.
    ///
    /// - Throws: `CommandError` (`bad-reply`) that names what is missing.
    package init(json: JSONValue) throws(CommandError) {
        let fields = try StatusFields(json, "the status")
        self.run = try Run(StatusFields(json["run"] ?? .null, "run"))
        self.nodes = try fields.list("nodes") { (fields) throws(CommandError) in try Node(fields) }
        self.links = try fields.list("links") { (fields) throws(CommandError) in try Link(fields) }
        self.quietLinks = json["quiet_links"]?.intValue.map { Int($0) }
        self.partitions = try fields.list("partitions") { (fields) throws(CommandError) in
            try Partition(fields)
        }
        self.injections = try fields.list("injections") { (fields) throws(CommandError) in
            try InjectionSummary(fields)
        }
        self.workload = json["workload"]?.objectValue ?? [:]
    }
}

// MARK: - Parts

extension RunStatus {
    /// The run itself.
    package struct Run: Hashable, Sendable {
        /// The scenario's name.
        package var name: String
        /// The seed of every decision.
        package var seed: Seed
        /// How long the run has gone on.
        package var elapsed: Instant
        /// The run directory.
        package var directory: String
        /// The first process of the run's lab, as the machine knows it; `nil` behind the proxy.
        package var lab: Int?

        /// Makes a run.
        package init(
            name: String, seed: Seed, elapsed: Instant, directory: String, lab: Int? = nil
        ) {
            self.name = name
            self.seed = seed
            self.elapsed = elapsed
            self.directory = directory
            self.lab = lab
        }

        /// A seed over 2⁶³ is a text, because JSON's readers disagree about such numbers.
        var json: JSONValue {
            var object: JSONObject = [
                "name": .string(self.name),
                "seed": Int64(exactly: self.seed.value).map { .int($0) }
                    ?? .string(String(self.seed.value)),
                "elapsed": .seconds(self.elapsed), "dir": .string(self.directory),
            ]
            if let lab = self.lab { object["lab"] = .int(Int64(lab)) }
            return .object(object)
        }

        init(_ fields: StatusFields) throws(CommandError) {
            let seed = fields.json["seed"]
            guard
                let value = seed?.intValue.flatMap({ UInt64(exactly: $0) })
                    ?? seed?.stringValue.flatMap({ UInt64($0) })
            else { throw fields.error("has a 'seed'") }
            self.init(
                name: try fields.text("name"), seed: Seed(value),
                elapsed: try fields.instant("elapsed"), directory: try fields.text("dir"),
                lab: fields.json["lab"]?.intValue.map { Int($0) })
        }
    }

    /// One node.
    package struct Node: Hashable, Sendable {
        /// Its name.
        package var name: NodeName
        /// What its process is doing.
        package var state: State
        /// The process, while there is one.
        package var pid: Int?
        /// How often it was started again.
        package var restarts: Int
        /// Its ports in order.
        package var ports: [Port]
        /// Its network namespace, as a path in the run's lab; `nil` behind the proxy.
        package var network: String?

        /// What a process is doing.
        package enum State: String, CaseIterable, Sendable {
            case starting, running, paused, stopping, stopped, killed, died
        }

        /// One port of a node.
        package struct Port: Hashable, Sendable {
            /// Its name.
            package var name: PortName
            /// Where the node listens.
            package var listen: Endpoint
            /// Where clients reach it through the proxy.
            package var proxied: Endpoint?
            /// Where it is reached from outside of the lab, by the same proxy.
            package var outside: Endpoint?

            /// Makes a port.
            package init(
                name: PortName, listen: Endpoint, proxied: Endpoint?, outside: Endpoint? = nil
            ) {
                self.name = name
                self.listen = listen
                self.proxied = proxied
                self.outside = outside
            }
        }

        /// Makes a node.
        package init(
            name: NodeName, state: State, pid: Int? = nil, restarts: Int = 0, ports: [Port] = [],
            network: String? = nil
        ) {
            self.name = name
            self.state = state
            self.pid = pid
            self.restarts = restarts
            self.ports = ports
            self.network = network
        }

        var json: JSONValue {
            let ports = self.ports.map { port -> (key: String, value: JSONValue) in
                var object: JSONObject = ["listen": .string(port.listen.description)]
                if let proxied = port.proxied { object["proxied"] = .string(proxied.description) }
                if let outside = port.outside { object["outside"] = .string(outside.description) }
                return (port.name.text, .object(object))
            }
            var object: JSONObject = [
                "name": .string(self.name.text), "state": .string(self.state.rawValue),
                "pid": self.pid.map { .int(Int64($0)) } ?? .null,
                "restarts": .int(Int64(self.restarts)), "ports": .object(JSONObject(ports)),
            ]
            if let network = self.network { object["network"] = .string(network) }
            return .object(object)
        }

        init(_ fields: StatusFields) throws(CommandError) {
            guard let state = State(rawValue: try fields.text("state")) else {
                throw fields.error("has a known 'state'")
            }
            var ports: [Port] = []
            for (name, value) in fields.json["ports"]?.objectValue?.members ?? [] {
                func endpoint(_ key: String) -> Endpoint? {
                    value[key]?.stringValue.flatMap { try? Endpoint(parsing: $0) }
                }
                guard let listen = endpoint("listen") else {
                    throw fields.error("has an address in 'ports.\(name).listen'")
                }
                ports.append(
                    Port(
                        name: PortName(name), listen: listen, proxied: endpoint("proxied"),
                        outside: endpoint("outside")))
            }
            self.init(
                name: NodeName(try fields.text("name")), state: state,
                pid: fields.json["pid"]?.intValue.map { Int($0) },
                restarts: Int(try fields.number("restarts")), ports: ports,
                network: fields.json["network"]?.stringValue)
        }
    }

    /// One directed link of one port.
    package struct Link: Hashable, Sendable {
        /// Which link.
        package var link: ChaosCore.Link
        /// How many connections use it now.
        package var connections: Int
        /// How many bytes it delivered.
        package var bytes: Int
        /// How many messages it delivered; 0 without a framing.
        package var messages: Int
        /// Whether a partition or hold stands on it.
        package var isCut: Bool
        /// The partitions and holds that stand on it.
        package var cuts: [InjectionID]
        /// The faults on it: of each kind the one that wins comes first.
        package var faults: [Fault]

        /// One fault on a link.
        package struct Fault: Hashable, Sendable {
            /// The injection it belongs to.
            package var id: InjectionID
            /// Its short text, such as `delay=100ms,10ms`.
            package var text: String
            /// How many chunks, messages or connections it changed.
            package var hits: Int
            /// How many were exposed to it.
            package var touched: Int
            /// Whether it acts, or another of its kind does (exact beats glob, a port beats none,
            /// later beats earlier).
            package var wins: Bool

            /// Makes a fault.
            package init(id: InjectionID, text: String, hits: Int, touched: Int, wins: Bool) {
                self.id = id
                self.text = text
                self.hits = hits
                self.touched = touched
                self.wins = wins
            }

            var json: JSONValue {
                [
                    "id": .string(self.id.text), "text": .string(self.text),
                    "hits": .int(Int64(self.hits)), "touched": .int(Int64(self.touched)),
                    "wins": .bool(self.wins),
                ]
            }

            init(_ fields: StatusFields) throws(CommandError) {
                self.init(
                    id: InjectionID(try fields.text("id")), text: try fields.text("text"),
                    hits: Int(try fields.number("hits")),
                    touched: Int(try fields.number("touched")), wins: try fields.flag("wins"))
            }
        }

        /// Makes a link.
        package init(
            _ link: ChaosCore.Link, connections: Int = 0, bytes: Int = 0, messages: Int = 0,
            isCut: Bool = false, cuts: [InjectionID] = [], faults: [Fault] = []
        ) {
            self.link = link
            self.connections = connections
            self.bytes = bytes
            self.messages = messages
            self.isCut = isCut
            self.cuts = cuts
            self.faults = faults
        }

        /// Whether there is nothing to tell about it.
        package var isQuiet: Bool {
            self.connections == 0 && self.bytes == 0 && !self.isCut && self.faults.isEmpty
        }

        package var json: JSONValue {
            var object: JSONObject = [
                "link": .string(self.link.description),
                "connections": .int(Int64(self.connections)), "bytes": .int(Int64(self.bytes)),
                "messages": .int(Int64(self.messages)), "state": self.isCut ? "cut" : "open",
            ]
            if !self.cuts.isEmpty {
                object["cuts"] = .array(self.cuts.map { .string($0.text) })
            }
            object["faults"] = .array(self.faults.map(\.json))
            return .object(object)
        }

        init(_ fields: StatusFields) throws(CommandError) {
            let text = try fields.text("link")
            guard let pattern = try? LinkPattern(parsing: text),
                let source = pattern.sources.exactNames.first,
                let target = pattern.targets.exactNames.first, let port = pattern.port
            else { throw fields.error("has a link with its port in 'link'") }
            self.init(
                ChaosCore.Link(source, target, port),
                connections: Int(try fields.number("connections")),
                bytes: Int(try fields.number("bytes")),
                messages: Int(try fields.number("messages")),
                isCut: try fields.text("state") == "cut",
                cuts: try fields.texts("cuts").map { InjectionID($0) },
                faults: try fields.list("faults") { (fields) throws(CommandError) in
                    try Fault(fields)
                })
        }
    }

    /// One partition or hold.
    package struct Partition: Hashable, Sendable {
        /// The injection.
        package var id: InjectionID
        /// Its text, such as `n1 / n2 n3`.
        package var text: String
        /// What the cut does.
        package var mode: PartitionMode
        /// When it took effect.
        package var since: Instant
        /// When it heals by itself.
        package var until: Instant?
        /// How many bytes crossed it; anything but 0 is a leak.
        package var crossedBytes: Int

        /// Makes a partition.
        package init(
            id: InjectionID, text: String, mode: PartitionMode, since: Instant,
            until: Instant? = nil, crossedBytes: Int = 0
        ) {
            self.id = id
            self.text = text
            self.mode = mode
            self.since = since
            self.until = until
            self.crossedBytes = crossedBytes
        }

        var json: JSONValue {
            [
                "id": .string(self.id.text), "text": .string(self.text),
                "mode": .string(self.mode.rawValue), "since": .seconds(self.since),
                "until": self.until.map { .seconds($0) } ?? .null,
                "crossed_bytes": .int(Int64(self.crossedBytes)),
            ]
        }

        init(_ fields: StatusFields) throws(CommandError) {
            guard let mode = PartitionMode(rawValue: try fields.text("mode")) else {
                throw fields.error("has a known 'mode'")
            }
            self.init(
                id: InjectionID(try fields.text("id")), text: try fields.text("text"), mode: mode,
                since: try fields.instant("since"), until: fields.json["until"]?.instantValue,
                crossedBytes: Int(try fields.number("crossed_bytes")))
        }
    }
}
