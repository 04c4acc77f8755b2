import ChaosControl
import ChaosCore
import ChaosScenario
import Synchronization

/// A run that only keeps books: it knows three nodes and remembers what was injected.
final class BookkeepingRun: CommandTarget {
    private struct State {
        var injections: [InjectionSummary] = []
        var faults: [InjectionID: [Fault]] = [:]
        var states: [NodeName: RunStatus.Node.State] = [:]
        var count = 0
    }

    static let nodes: [NodeName] = ["n1", "n2", "n3"]
    static let ports: [PortName] = ["client", "peer"]
    static let links = [Link("n1", "n2", "peer"), Link("n2", "n1", "peer")]

    let feed = EventFeed()
    private let state = Mutex(State())
    private let delayed: Duration
    /// Tells each command as its execution begins.
    let performed: AsyncStream<Command>
    private let began: AsyncStream<Command>.Continuation

    /// `delay` is how long each command takes.
    init(delay: Duration = .zero) {
        self.delayed = delay
        (self.performed, self.began) = AsyncStream.makeStream(
            of: Command.self, bufferingPolicy: .bufferingOldest(1000))
    }

    func events() -> AsyncStream<JSONValue> { self.feed.subscribe() }

    func perform(_ command: Command) async throws(CommandError) -> JSONValue {
        self.began.yield(command)
        if self.delayed > .zero { try? await Task.sleep(for: self.delayed) }
        try command.validate(nodes: Self.nodes, ports: Self.ports)
        switch command {
        case .partition(let partition, let mode, let ports, let lease):
            var generator = Seed(1).generator
            let cuts = partition.cuts(among: Self.nodes, using: &generator)
            return self.inject(.partition, "p", partition.description, mode ?? .drop, lease) {
                $0.ports = ports
                $0.links = cuts.map { "\($0.source)->\($0.target)" }
            }
        case .hold(let links, let lease):
            let text = links.map(\.description).joined(separator: " ")
            return self.inject(.hold, "h", text, .hold, lease) {
                $0.links = links.map(\.description)
            }
        case .set(let link, let faults, let lease):
            let texts = ["\(link)"] + faults.map(\.text)
            return self.inject(.faults, "f", texts.joined(separator: " "), nil, lease, faults) {
                $0.links = [link.description]
            }
        case .heal(let id): return try self.end([.partition], id.map { .injection($0) } ?? .all)
        case .release(let selection): return try self.end([.hold], selection)
        case .clear(let selection): return try self.end([.faults], selection)
        case .process(let action, let pattern): return self.process(action, pattern)
        case .capture(let links, let file, _):
            return [
                "id": "c1", "file": .string("runs/20261121-081500-demo/\(file)"),
                "links": .array(links.map { .string($0.description) }), "confirmed": true,
            ]
        case .endCapture(let id):
            return ["id": .string(id.text), "packets": 120, "missing": 0, "confirmed": true]
        case .status: return self.status().json
        case .end:
            self.feed.publish(.end(verdict: nil, at: self.now))
            self.feed.finish()
            return ["confirmed": true]
        }
    }

    /// Time stands still in this run: twelve seconds after its start.
    private var now: Instant { Instant(nanoseconds: 12_000_000_000) }

    private func inject(
        _ kind: InjectionSummary.Kind, _ letter: String, _ text: String, _ mode: PartitionMode?,
        _ lease: Duration?, _ faults: [Fault] = [], _ complete: (inout InjectionSummary) -> Void
    ) -> JSONValue {
        let injection = self.state.withLock { state in
            let number = state.injections.filter { $0.kind == kind }.count + 1
            var injection = InjectionSummary(
                id: InjectionID("\(letter)\(number)"), kind: kind, text: text, mode: mode,
                links: [], since: self.now, until: lease.map { self.now + $0 })
            complete(&injection)
            state.injections.append(injection)
            state.faults[injection.id] = faults
            return injection
        }
        self.feed.publish(.injected(injection))
        return InjectionReceipt(injection, connections: 2).json
    }

    private func end(
        _ kinds: [InjectionSummary.Kind], _ selection: InjectionSelection
    ) throws(CommandError) -> JSONValue {
        let ended = self.state.withLock { state in
            let ended = state.injections.filter { injection in
                guard kinds.contains(injection.kind) else { return false }
                switch selection {
                case .all: return true
                case .injection(let id): return injection.id == id
                case .links(let links): return injection.links == links.map(\.description)
                }
            }
            state.injections.removeAll { ended.contains($0) }
            return ended
        }
        if ended.isEmpty, case .injection(let id) = selection {
            throw CommandError(.notFound, "no such injection is active, found '\(id)'")
        }
        for injection in ended {
            self.feed.publish(.ended(injection, .command, at: self.now))
        }
        return EndingReceipt(ended: ended).json
    }

    private func process(_ action: ProcessAction, _ pattern: NodePattern) -> JSONValue {
        let after: RunStatus.Node.State =
            switch action {
            case .kill: .killed
            case .stop: .stopped
            case .pause: .paused
            case .resume, .restart: .running
            }
        self.state.withLock { state in
            for node in Self.nodes where pattern.matches(node) { state.states[node] = after }
        }
        let nodes = self.status().nodes.filter { pattern.matches($0.name) }
        return ProcessReceipt(nodes: nodes).json
    }

    func status() -> RunStatus {
        self.state.withLock { state in
            RunStatus(
                run: .init(
                    name: "demo", seed: Seed(42), elapsed: self.now,
                    directory: "runs/20261121-081500-demo"),
                nodes: Self.nodes.enumerated().map { index, name in
                    RunStatus.Node(
                        name: name, state: state.states[name] ?? .running, pid: 100 + index,
                        ports: [
                            .init(
                                name: "client",
                                listen: .tcp(host: "127.77.\(index + 1).\(index + 1)", port: 7000),
                                proxied: .tcp(host: "127.77.0.\(index + 1)", port: 7000))
                        ])
                },
                links: Self.links.map { link in
                    RunStatus.Link(
                        link, connections: 1, bytes: 1200, messages: 12,
                        isCut: state.injections.contains { $0.mode != nil && $0.covers(link) },
                        faults: state.injections.filter { $0.covers(link) }.flatMap { injection in
                            (state.faults[injection.id] ?? []).map { fault in
                                RunStatus.Link.Fault(
                                    id: injection.id, text: fault.text, hits: 0, touched: 0,
                                    wins: true)
                            }
                        })
                },
                partitions: state.injections.compactMap { injection in
                    injection.mode.map {
                        RunStatus.Partition(
                            id: injection.id, text: injection.text, mode: $0,
                            since: injection.since, until: injection.until)
                    }
                },
                injections: state.injections, workload: ["kind": "echo", "ok": 17])
        }
    }
}

extension InjectionSummary {
    fileprivate func covers(_ link: Link) -> Bool {
        self.links.contains { (try? LinkPattern(parsing: $0))?.matches(link) ?? false }
    }
}
