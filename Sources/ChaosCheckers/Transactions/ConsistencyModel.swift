import ChaosCore

/// A consistency model: a set of anomalies that must not occur.
///
/// The lattice is that of Adya (Weak Consistency, 1999), Bailis et al. (Highly Available Transactions, 2013), Cerone et
/// al. (2015) and Daudjee and Salem (2006), joined as Elle joins it (Kingsbury and Alvaro, VLDB 2020), with Elle's
/// names.
package struct ConsistencyModel: Hashable, Sendable {
    /// The name that people use most, such as `serializable`.
    package let name: String

    private init(name: String) { self.name = name }

    /// The names of all models, weakest first.
    package static let names: [String] = Lattice.models.map(\.name)
    /// Other names of models.
    package static let aliases: [String: String] = Lattice.aliases

    /// The strongest model: every transaction took effect at one moment between its call and return.
    package static let strictSerializable = ConsistencyModel(name: "strict-serializable")

    /// Finds a model by one of its names.
    ///
    /// - Throws: `InputError` with the nearest known name.
    package init(parsing text: String) throws(InputError) {
        let name = Lattice.aliases[text] ?? text
        guard Lattice.models.contains(where: { $0.name == name }) else {
            throw InputError(
                "there is no such consistency model", found: text,
                hint: Suggestion.hint(for: text, among: Self.names))
        }
        self.name = name
    }

    /// Reads names that commas or spaces separate.
    ///
    /// - Throws: `InputError` for the first that is unknown, or when there is none.
    package static func list(parsing text: String) throws(InputError) -> [ConsistencyModel] {
        let words = text.split { $0 == "," || $0 == " " }
        if words.isEmpty {
            throw InputError(
                "a consistency model must be named", hint: "such as 'serializable'")
        }
        var models: [ConsistencyModel] = []
        for word in words { models.append(try ConsistencyModel(parsing: String(word))) }
        return models
    }

    /// The models that hold wherever this one does, itself included.
    var implied: Set<String> { Lattice.reachable([self.name], Lattice.weaker) }

    /// Every anomaly that must not occur, under all its names.
    var forbidden: Set<String> {
        var forbidden: Set<String> = []
        for model in Lattice.models where self.implied.contains(model.name) {
            forbidden.formUnion(model.forbids)
        }
        // An anomaly that comes with a forbidden one is forbidden too.
        let implying = Lattice.inverse(Lattice.impliedAnomalies)
        return Lattice.reachable(Array(forbidden), implying)
    }

    /// The models that cannot hold after these anomalies: the weakest ones, and all the others.
    static func ruledOut(by anomalies: [String]) -> (weakest: [String], others: [String]) {
        let present = Lattice.reachable(anomalies, Lattice.impliedAnomalies)
        let direct = Lattice.models.filter { model in
            model.forbids.contains { present.contains($0) }
        }
        let stronger = Lattice.inverse(Lattice.weaker)
        let all = Lattice.reachable(direct.map(\.name), stronger)
        let weakest = all.filter { name in
            Lattice.reachable([name], Lattice.weaker).intersection(all) == [name]
        }
        let order = Self.names.filter { all.contains($0) }
        return (order.filter { weakest.contains($0) }, order.filter { !weakest.contains($0) })
    }
}

/// The facts about models and anomalies.
private enum Lattice {
    struct Model {
        let name: String
        /// The next weaker models.
        let implies: [String]
        /// What it forbids beyond them.
        let forbids: [String]

        init(_ name: String, implies: [String] = [], forbids: [String] = []) {
            self.name = name
            self.implies = implies
            self.forbids = forbids
        }
    }

    static let models: [Model] = [
        Model(
            "read-uncommitted",
            forbids: [
                "G0", "duplicate-elements", "cyclic-versions", "garbage-read", "wrong-reply",
            ]),
        Model(
            "strong-session-read-uncommitted", implies: ["read-uncommitted"],
            forbids: ["G0-process"]),
        Model(
            "strong-read-uncommitted", implies: ["strong-session-read-uncommitted"],
            forbids: ["G0-realtime"]),
        Model("read-committed", implies: ["read-uncommitted"], forbids: ["G1"]),
        Model(
            "strong-session-read-committed",
            implies: ["read-committed", "strong-session-read-uncommitted"],
            forbids: ["G1c-process"]),
        Model(
            "strong-read-committed",
            implies: ["strong-session-read-committed", "strong-read-uncommitted"],
            forbids: ["G1c-realtime"]),
        Model("monotonic-atomic-view", implies: ["read-committed"]),
        Model("monotonic-view", implies: ["read-committed"]),
        Model("monotonic-snapshot-read", implies: ["read-committed"]),
        Model("cursor-stability", implies: ["read-committed"], forbids: ["lost-update"]),
        Model(
            "read-atomic", implies: ["monotonic-atomic-view"],
            forbids: ["internal", "future-read"]),
        Model("causal-cerone", implies: ["read-atomic"]),
        Model("prefix", implies: ["causal-cerone"]),
        Model("rola", implies: ["read-atomic"], forbids: ["lost-update"]),
        Model("parallel-snapshot-isolation", implies: ["causal-cerone", "rola"]),
        Model(
            "consistent-view", implies: ["cursor-stability", "monotonic-view"],
            forbids: ["G-single"]),
        Model("forward-consistent-view", implies: ["consistent-view"]),
        Model("update-serializable", implies: ["forward-consistent-view"]),
        Model(
            "repeatable-read", implies: ["cursor-stability", "monotonic-atomic-view"],
            forbids: ["G2-item", "lost-update"]),
        Model(
            "snapshot-isolation",
            implies: [
                "forward-consistent-view", "monotonic-snapshot-read",
                "parallel-snapshot-isolation", "prefix",
            ], forbids: ["internal", "G-nonadjacent"]),
        Model(
            "strong-session-snapshot-isolation",
            implies: ["snapshot-isolation", "strong-session-read-committed"],
            forbids: ["G1-process", "G-nonadjacent-process"]),
        Model(
            "strong-snapshot-isolation",
            implies: ["strong-session-snapshot-isolation", "strong-read-committed"],
            forbids: ["G1-realtime", "G-nonadjacent-realtime"]),
        Model(
            "serializable",
            implies: ["repeatable-read", "snapshot-isolation", "update-serializable"],
            forbids: ["internal", "G2"]),
        Model(
            "strong-session-serializable",
            implies: ["serializable", "strong-session-snapshot-isolation"],
            forbids: ["G1-process", "G2-process"]),
        Model(
            "strict-serializable",
            implies: ["strong-session-serializable", "strong-snapshot-isolation"],
            forbids: ["G1-realtime", "G2-realtime"]),
    ]

    static let aliases: [String: String] = [
        "PL-1": "read-uncommitted", "PL-2": "read-committed", "PL-2.99": "repeatable-read",
        "PL-2+": "consistent-view", "PL-2L": "monotonic-view", "PL-3": "serializable",
        "PL-3U": "update-serializable", "PL-CS": "cursor-stability",
        "PL-FCV": "forward-consistent-view", "PL-MSR": "monotonic-snapshot-read",
        "PL-SI": "snapshot-isolation", "PL-SS": "strict-serializable", "ROLA": "rola",
        "conflict-serializable": "serializable", "strong-serializable": "strict-serializable",
        "strong-session-PL-1": "strong-session-read-uncommitted",
        "strong-session-PL-2": "strong-session-read-committed",
        "strong-PL-1": "strong-read-uncommitted", "strong-PL-2": "strong-read-committed",
    ]

    static let weaker: [String: [String]] = Dictionary(
        uniqueKeysWithValues: Self.models.map { ($0.name, $0.implies) })

    /// What else is there whenever an anomaly is.
    static let impliedAnomalies: [String: [String]] = {
        var implied: [String: [String]] = [
            "G0": ["G1c"], "G1a": ["G1"], "G1b": ["G1"], "G1c": ["G1"],
            "G-single": ["G-nonadjacent"], "G-nonadjacent": ["G2-item"], "G2-item": ["G2"],
            // Reads that share no history, or read what was undone, need an aborted read.
            "incompatible-order": ["G1a"], "dirty-update": ["G1a"],
            "future-read": ["G1c"], "lost-update": ["G2-item"],
        ]
        // What holds without an order of processes or time holds with it.
        for name in ["G0", "G1", "G1c", "G-single", "G-nonadjacent", "G2-item", "G2"] {
            let targets = implied[name] ?? []
            implied[name] = targets + ["\(name)-process"]
            implied["\(name)-process"] = targets.map { "\($0)-process" } + ["\(name)-realtime"]
            implied["\(name)-realtime"] = targets.map { "\($0)-realtime" }
        }
        return implied
    }()

    static func inverse(_ graph: [String: [String]]) -> [String: [String]] {
        var inverse: [String: [String]] = [:]
        for (from, targets) in graph {
            for target in targets { inverse[target, default: []].append(from) }
        }
        return inverse
    }

    static func reachable(_ starts: [String], _ graph: [String: [String]]) -> Set<String> {
        var reached = Set(starts)
        var rest = starts
        while let name = rest.popLast() {
            for next in graph[name] ?? [] where reached.insert(next).inserted {
                rest.append(next)
            }
        }
        return reached
    }
}
