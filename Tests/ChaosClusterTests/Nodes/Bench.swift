import ChaosCluster
import ChaosCore
import ChaosScenario
import Foundation
import OrderedCollections
import Synchronization

/// A growing list that threads share.
final class Records<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var all: [Element] { self.list.withLock { $0 } }

    func add(_ element: Element) { self.list.withLock { $0.append(element) } }
}

/// One supervisor with all that it needs, and what it has reported.
struct Bench {
    let supervisor: NodeSupervisor
    let plan: AddressPlan
    let directory: RunDirectory
    let run: String
    let events: Records<String>
    let lines: Records<NodeLine>

    /// The environment's marker in all processes of the nodes.
    var marker: String { "CHAOS_RUN=\(self.run)" }

    func endpoint(_ node: NodeName) -> Endpoint { self.plan.listen(node, "main")! }

    func port(_ node: NodeName) -> UInt16 {
        guard case .tcp(_, let port) = self.endpoint(node) else { return 0 }
        return port
    }

    /// What stands in a node's log now.
    func log(_ node: NodeName) throws -> [String] {
        try String(contentsOfFile: self.directory.log(of: node), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// Plans the nodes' addresses, runs the body, and ends everything.
    static func with(_ specs: [NodeSpec], _ body: (Bench) async throws -> Void) async throws {
        let root = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: root) }
        let lease = try LoopbackLease()
        let style = AddressPlan.Style.loopback(network: lease.network)
        var ports = FreePorts(style: style)
        let directory = try RunDirectory(in: "\(root)/runs", name: "bench")
        let plan = try AddressPlan(
            nodes: specs.map { (name: $0.name, ports: $0.ports) }, style: style,
            socketDirectory: directory.socketDirectory, allocator: &ports)
        ports.release()
        let start = ContinuousClock.now
        let (events, lines) = (Records<String>(), Records<NodeLine>())
        let run = "bench-\(UUID().uuidString)"
        let observer = NodeObserver(
            onEvent: { event in
                switch event {
                case .changed(let node, let state, _): events.add("\(node) \(state)")
                case .died(let death, _): events.add(death.description)
                }
            }, onLine: { lines.add($0) })
        let supervisor = NodeSupervisor(
            .init(
                host: try ProcessHost(run: run), plan: plan, directory: directory,
                seed: Seed(1), environment: ["PATH": "/usr/bin:/bin"], workingDirectory: root,
                now: { Instant.start + (ContinuousClock.now - start) }), observer: observer)
        let bench = Bench(
            supervisor: supervisor, plan: plan, directory: directory, run: run, events: events,
            lines: lines)
        do {
            try await body(bench)
        } catch {
            await supervisor.shutdown(grace: .zero)
            throw error
        }
        await supervisor.shutdown(grace: .zero)
        withExtendedLifetime(lease) {}
    }
}

/// A node that runs a shell script and is ready at once.
func shell(_ name: NodeName, _ script: String) -> NodeSpec {
    var spec = NodeSpec(name: name, command: .words(["sh", "-c", script]))
    spec.ports = []
    return spec
}

/// A node that listens at an address, its own if none is given, and answers HTTP.
func server(_ name: NodeName, at address: String = "{host}", status: Int = 200) throws -> NodeSpec {
    NodeSpec(
        name: name,
        command: .words([try probePath(), "serve", address, "{port}", String(status)]))
}
