import ChaosCore

/// A supervisor and what it supervises, as OTP has it.
package struct SupervisionTree: Hashable, Sendable {
    /// What happens to the siblings of a child that ended.
    package enum Strategy: String, Hashable, Sendable, CaseIterable {
        case oneForOne = "one_for_one"
        case oneForAll = "one_for_all"
        case restForOne = "rest_for_one"
    }

    /// When a child is restarted.
    package enum Restart: String, Hashable, Sendable, CaseIterable {
        /// Always.
        case permanent
        /// Unless it ended normally.
        case transient
        /// Never.
        case temporary
    }

    /// How a child is stopped.
    package enum Shutdown: Hashable, Sendable {
        /// Asked, and killed after so long.
        case within(Duration)
        case brutalKill
        case infinity
    }

    /// A worker, or a supervisor with children of its own.
    package struct Child: Hashable, Sendable {
        package let name: String
        package let restart: Restart
        package let shutdown: Shutdown
        /// What it supervises, if it is a supervisor.
        package let tree: SupervisionTree?

        package init(
            name: String, restart: Restart = .permanent,
            shutdown: Shutdown = .within(.seconds(5)), tree: SupervisionTree? = nil
        ) {
            self.name = name
            self.restart = restart
            self.shutdown = shutdown
            self.tree = tree
        }
    }

    /// The supervisor's own name.
    package let name: String
    package let strategy: Strategy
    /// How many restarts are allowed in ``period``.
    package let intensity: Int
    package let period: Duration
    package let children: [Child]

    package init(
        name: String = "the supervisor", strategy: Strategy = .oneForOne, intensity: Int = 3,
        period: Duration = .seconds(5), children: [Child]
    ) {
        self.name = name
        self.strategy = strategy
        self.intensity = intensity
        self.period = period
        self.children = children
    }

    /// The positions of the children that end with one that ended.
    func affected(by position: Int) -> ClosedRange<Int> {
        switch self.strategy {
        case .oneForOne: position...position
        case .oneForAll: 0...(self.children.count - 1)
        case .restForOne: position...(self.children.count - 1)
        }
    }
}

extension SupervisionTree {
    /// Reads a tree as nodes tell it: `{name, strategy, intensity, period_ms, children: [{name, restart, shutdown,
    /// …}]}`, where `shutdown` is `brutal_kill`, `infinity` or a number of milliseconds; `nil` where it is none.
    package init?(json: JSONValue) {
        guard let name = json["name"]?.stringValue,
            let strategy = json["strategy"]?.stringValue.flatMap({ Strategy(rawValue: $0) }),
            let intensity = json["intensity"]?.intValue,
            let period = json["period_ms"]?.intValue,
            let children = json["children"]?.arrayValue
        else { return nil }
        let read = children.compactMap { Child(json: $0) }
        if read.count < children.count { return nil }
        self.init(
            name: name, strategy: strategy, intensity: Int(clamping: intensity),
            period: .milliseconds(period), children: read)
    }
}

extension SupervisionTree.Child {
    fileprivate init?(json: JSONValue) {
        guard let name = json["name"]?.stringValue,
            let restart = SupervisionTree.Restart(
                rawValue: json["restart"]?.stringValue ?? "permanent")
        else { return nil }
        let shutdown: SupervisionTree.Shutdown
        switch json["shutdown"]?.stringValue {
        case "brutal_kill": shutdown = .brutalKill
        case "infinity": shutdown = .infinity
        default: shutdown = .within(.milliseconds(json["shutdown"]?.intValue ?? 5000))
        }
        var tree: SupervisionTree?
        if json["children"] != nil {
            guard let read = SupervisionTree(json: json) else { return nil }
            tree = read
        }
        self.init(name: name, restart: restart, shutdown: shutdown, tree: tree)
    }
}
