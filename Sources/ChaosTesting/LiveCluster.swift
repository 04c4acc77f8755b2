import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosRun
import ChaosScenario

/// A cluster that runs while a test uses it.
///
/// Whatever is done to it has taken effect when the call returns. It is good until the body of
/// ``withChaos(scenario:seed:accepting:runsFolder:_:)`` returns; afterwards everything throws.
public struct LiveCluster: Sendable {
    private let run: ScenarioRun
    /// The names of the nodes in the scenario's order.
    public let nodes: [String]
    /// The seed of every decision.
    public let seed: UInt64
    /// The run directory: journal, history, the nodes' logs and directories.
    public let runDirectory: String

    init(_ run: ScenarioRun, seed: Seed) async throws {
        self.run = run
        self.seed = seed.value
        self.runDirectory = try await run.directoryPath()
        self.nodes = await run.nodeNames
    }

    // MARK: - Addresses

    /// Where a client reaches a node: through the faulty network, as the node `client`.
    ///
    /// - Parameters:
    ///   - node: The node's name.
    ///   - port: The port's name; without one the port `client`, or else the first TCP port.
    /// - Throws: ``ChaosFailure`` for names that do not exist.
    public func address(of node: String, port: String? = nil) async throws -> NodeAddress {
        try await Self.sentence {
            let name = try port.map { try PortName(parsing: $0) }
            return NodeAddress(
                try await self.run.endpoint(of: try NodeName(parsing: node), name))
        }
    }

    /// Where a client reaches a server outside that the scenario names under `links`.
    ///
    /// - Throws: ``ChaosFailure`` for names that do not exist.
    public func address(ofLink name: String) async throws -> NodeAddress {
        try await Self.sentence {
            NodeAddress(try await self.run.endpoint(ofLink: try NodeName(parsing: name)))
        }
    }

    // MARK: - Network

    /// Cuts nodes off from each other: `n1 / n2 n3`, `n1 -> n2`, `halves`, `random-halves`,
    /// `majority`, `majorities-ring`, `bridge`.
    ///
    /// - Parameters:
    ///   - groups: Who is cut from whom.
    ///   - mode: What the cut does; without one the scenario's, which is `drop` unless it says so.
    ///   - port: Only connections to this port.
    ///   - lasting: After this time it heals by itself.
    /// - Throws: ``ChaosFailure`` when it cannot be done; nothing was changed then.
    @discardableResult
    public func partition(
        _ groups: String, mode: CutMode? = nil, port: String? = nil, lasting: Duration? = nil
    ) async throws -> Injection {
        try await self.inject(
            ["op": "partition", "partition": .string(groups)], mode, port, lasting)
    }

    /// Cuts nodes off from all others; parameters as ``partition(_:mode:port:lasting:)``.
    @discardableResult
    public func isolate(
        _ nodes: String..., mode: CutMode? = nil, port: String? = nil, lasting: Duration? = nil
    ) async throws -> Injection {
        try await self.inject(
            ["op": "isolate", "nodes": .array(nodes.map { .string($0) })], mode, port, lasting)
    }

    /// Ends a partition, or all of them.
    public func heal(_ injection: Injection? = nil) async throws {
        try await self.send(Self.request("heal", injection))
    }

    /// Stalls links, such as `n1->n2`; what is sent waits and arrives after ``release(_:)``.
    @discardableResult
    public func hold(_ links: String..., lasting: Duration? = nil) async throws -> Injection {
        try await self.inject(
            ["op": "hold", "links": .array(links.map { .string($0) })], nil, nil, lasting)
    }

    /// Lets held links go: those of one hold, or all.
    public func release(_ injection: Injection? = nil) async throws {
        try await self.send(Self.request("release", injection))
    }

    /// Puts faults on links: `set("n1->n2", "delay=100ms,10ms loss=5%")`.
    ///
    /// - Parameters:
    ///   - link: `n1->n2`, `n1<->n2`, `*->n3:peer`, `client->n1`.
    ///   - faults: As on the command line, separated by spaces.
    ///   - lasting: After this time they end by themselves.
    /// - Throws: ``ChaosFailure`` when it cannot be done; nothing was changed then.
    @discardableResult
    public func set(
        _ link: String, _ faults: String, lasting: Duration? = nil
    ) async throws -> Injection {
        let words = faults.split(separator: " ").map { JSONValue.string(String($0)) }
        return try await self.inject(
            ["op": "set", "link": .string(link), "faults": .array(words)], nil, nil, lasting)
    }

    /// Takes faults away that the test has put on: one injection's, or all.
    public func clear(_ injection: Injection? = nil) async throws {
        try await self.send(Self.request("clear", injection))
    }

    /// Takes faults away that are on no other links than these.
    public func clear(link: String) async throws {
        try await self.send(["op": "clear", "link": .string(link)])
    }

    // MARK: - Processes

    /// Kills nodes and all their processes with SIGKILL.
    public func kill(_ nodes: String...) async throws { try await self.strike(.kill, nodes) }

    /// Ends nodes with SIGTERM, and after a few seconds with SIGKILL.
    public func stop(_ nodes: String...) async throws { try await self.strike(.stop, nodes) }

    /// Freezes nodes with SIGSTOP.
    public func pause(_ nodes: String...) async throws { try await self.strike(.pause, nodes) }

    /// Lets paused nodes go on with SIGCONT.
    public func resume(_ nodes: String...) async throws { try await self.strike(.resume, nodes) }

    /// Starts nodes again, and waits for a few seconds until they are ready.
    public func restart(_ nodes: String...) async throws { try await self.strike(.restart, nodes) }

    // MARK: - What happens

    /// What the cluster looks like now.
    public func status() async throws -> ClusterStatus {
        try await Self.sentence {
            ClusterStatus(try RunStatus(json: try await self.run.perform(.status())))
        }
    }

    /// Waits for a line of a node's output that contains a text, or matches a regular expression
    /// between slashes.
    ///
    /// Lines from before the call count too, so that none is missed; `after` asks for a later one.
    ///
    /// - Parameters:
    ///   - pattern: `became leader`, `/term=[0-9]+/`.
    ///   - node: Whose output; without a name anybody's.
    ///   - after: A line that was found before.
    ///   - within: How long to wait.
    /// - Throws: ``ChaosFailure`` when no line came in time.
    @discardableResult
    public func waitForLog(
        _ pattern: String, node: String? = nil, after: LogLine? = nil,
        within: Duration = .seconds(10)
    ) async throws -> LogLine {
        try await Self.sentence {
            let name = try node.map { try NodeName(parsing: $0) }
            if let name { _ = try await self.run.endpoint(of: name, nil) }
            let found = await self.run.line(
                matching: try LogPattern(parsing: pattern), of: name, after: after?.number ?? 0,
                within: within)
            guard let found else {
                try Task.checkCancellation()
                throw ChaosFailure(
                    "\(node ?? "a node") must write a line that matches '\(pattern)' within"
                        + " \(within.text), found none")
            }
            return LogLine(
                node: found.line.node.text, text: found.line.text, number: found.number)
        }
    }

    /// Waits until the scenario's workload has sent all its requests; returns at once without one.
    public func waitForWorkload() async { await self.run.waitForLoad() }

    // MARK: - Requests

    private func inject(
        _ request: JSONObject, _ mode: CutMode?, _ port: String?, _ lasting: Duration?
    ) async throws -> Injection {
        var request = request
        if let mode { request["mode"] = .string(mode.rawValue) }
        if let port { request["ports"] = [.string(port)] }
        if let lasting { request["for"] = .string(lasting.text) }
        let reply = try await self.send(request)
        return try await Self.sentence { Injection(try InjectionReceipt(json: reply)) }
    }

    private func strike(_ action: ProcessAction, _ nodes: [String]) async throws {
        try await self.send([
            "op": .string(action.rawValue), "nodes": .array(nodes.map { .string($0) }),
        ])
    }

    private static func request(_ operation: String, _ injection: Injection?) -> JSONObject {
        var request: JSONObject = ["op": .string(operation)]
        if let injection { request["injection"] = .string(injection.id) }
        return request
    }

    /// Does what a request of the control protocol says: one command set for every view.
    @discardableResult
    private func send(_ request: JSONObject) async throws -> JSONValue {
        try await Self.sentence {
            guard case .command(let command) = try Request(json: .object(request)) else {
                preconditionFailure("every request here is a command: \(request)")
            }
            return try await self.run.perform(command)
        }
    }

    /// Turns errors of the modules below into the one that tests see.
    private static func sentence<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws -> Value {
        do { return try await body() } catch let error as CancellationError {
            throw error
        } catch let error as ChaosFailure {
            throw error
        } catch { throw ChaosFailure("\(error)") }
    }
}
