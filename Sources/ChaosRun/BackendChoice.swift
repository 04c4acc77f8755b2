import ChaosCluster
import ChaosCore
import ChaosScenario
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which backend carries a scenario, and why. It decides for `auto`:
///
/// | the scenario | backend |
/// |---|---|
/// | wants what only the lab can do | lab |
/// | wants something between nodes that are not told of each other, so that a proxy would never see them | lab, where the machine can have one |
/// | everything else | proxy |
package struct BackendChoice: Hashable, Sendable {
    /// `proxy` or `lab`.
    package let backend: Backend
    /// A clause.
    package let reason: String
    /// Whether no other backend can do what the scenario or the user wants.
    package let isNeeded: Bool

    /// - Parameters:
    ///   - scenario: One that was read from a file, or was made from a command line.
    ///   - obstacle: What is in the lab's way on this machine; asked only if it matters.
    package init(for scenario: Scenario, obstacle: () -> String?) {
        func take(_ backend: Backend, _ reason: String, isNeeded: Bool = false) -> BackendChoice {
            BackendChoice(backend, reason, isNeeded: isNeeded)
        }
        self =
            switch scenario.backend {
            case .proxy, .lab, .netem:
                take(scenario.chosenBackend, "as asked for", isNeeded: true)
            case .automatic:
                if let need = scenario.needOfLab {
                    take(.lab, "only the lab has \(need)", isNeeded: true)
                } else if let reason = Self.reasonForProxy(scenario) {
                    take(.proxy, reason)
                } else if let obstacle = obstacle() {
                    take(
                        .proxy,
                        "nodes are not told of each other, so only the lab would see what they say, but "
                            + "this machine cannot have one: \(obstacle) ('chaos doctor' tells more)"
                    )
                } else {
                    take(
                        .lab,
                        "nodes are not told of each other, so a proxy would not see what they say")
                }
            }
    }

    private init(_ backend: Backend, _ reason: String, isNeeded: Bool) {
        self.backend = backend
        self.reason = reason
        self.isNeeded = isNeeded
    }

    /// The proxy although the lab would be better, because something else of the same command needs it.
    package static let besideOthers = BackendChoice(
        .proxy,
        "other scenarios of this command run behind the proxy; alone, this one would run in the lab",
        isNeeded: false)

    /// Why a scenario that names no backend is the proxy's; nil where the lab is better.
    private static func reasonForProxy(_ scenario: Scenario) -> String? {
        if scenario.nodes.count < 2 { return "there are no links between nodes" }
        if scenario.nodes.contains(where: { $0.speech == .maelstrom }) {
            return "nodes speak Maelstrom's protocol"
        }
        if scenario.nodes.contains(where: \.isToldPeers) {
            return "nodes are told where their peers are"
        }
        if !scenario.wantsLinksBetweenNodes { return "nothing is wanted between nodes" }
        var inLab = scenario
        inLab.backend = .lab
        if let problem = ScenarioRules(inLab).problems().first {
            return "in the lab \(problem.path): \(problem.error.rule)"
        }
        if let program = scenario.nodes.lazy.compactMap({ Self.readerOfPeers($0, scenario) }).first
        {
            return "\(program) reads where peers are from its environment"
        }
        return nil
    }

    /// The file of a node's command that knows the variables of peers, if one does.
    private static func readerOfPeers(_ node: NodeSpec, _ scenario: Scenario) -> String? {
        for (offset, word) in node.commandWords.enumerated() {
            let path = word.replacingOccurrences(of: "{here}", with: scenario.here ?? ".")
            let name = path.split(separator: "/").last.map(String.init) ?? path
            // Swift keeps short texts in its code, on some processors in pieces.
            if name == "chaos-node" { return name }
            let places = offset == 0 && !path.contains("/") ? Self.programs(path) : [path]
            if places.contains(where: Self.knowsPeers) { return name }
        }
        return nil
    }

    private static func programs(_ name: String) -> [String] {
        let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/bin:/usr/bin"
        let place = folders.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        return place.map { [$0] } ?? []
    }

    private static func knowsPeers(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            !isDirectory.boolValue,
            let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        else { return false }
        let names = ["CHAOS_PE", "CHAOS_AD"].map { Array($0.utf8) }
        return data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                let found = memchr(base, Int32(UInt8(ascii: "C")), rest.count)
            {
                rest = rest.dropFirst(UnsafeRawPointer(found) - base)
                if names.contains(where: { rest.starts(with: $0) }) { return true }
                rest = rest.dropFirst()
            }
            return false
        }
    }
}

extension Scenario {
    /// Whether it cuts or impairs links between nodes, or has nodes that know each other's names.
    fileprivate var wantsLinksBetweenNodes: Bool {
        if self.firstBlock != nil { return true }
        let names = self.nodes.map(\.name)
        if self.network.rules.contains(where: { $0.isBetween(names) }) { return true }
        let isWanted = self.schedule.contains { entry in
            switch entry.action {
            case .faults(let rules): return rules.contains { $0.isBetween(names) }
            case .nemesis(let kinds, _, _):
                return kinds.contains { ![.kill, .pause, .restart].contains($0) }
            case .partition(let partition, _, _):
                if partition.namedNodes.contains("that") { return true }
                var generator = Seed(0).generator
                return partition.cuts(among: names, using: &generator).contains {
                    names.contains($0.source) && names.contains($0.target)
                }
            case .process, .tell, .heal: return false
            }
        }
        return isWanted || self.nodes.contains { node in names.contains { node.addresses($0) } }
    }
}

extension NodeSpec {
    /// Whether its command or environment has another node's name where hosts stand: `//n2`, `n2:`, or `n2`
    /// before a number.
    fileprivate func addresses(_ other: NodeName) -> Bool {
        if other == self.name { return false }
        let words = self.texts.flatMap { $0.split { " ,;=@\n\t\"'".contains($0) } }
        return words.indices.contains { index in
            let word = words[index]
            let parts = word.split(separator: "/")
            // Of a URL, what stands behind the scheme; otherwise the word itself.
            let host = word.contains("//") && parts.count > 1 ? parts[1] : parts.first ?? word
            if host.hasPrefix("\(other):") { return true }
            if host == other.text && word.contains("//") { return true }
            let next = words[words.index(after: index)...].first
            return word == other.text && next?.allSatisfy(\.isNumber) == true
        }
    }
}
