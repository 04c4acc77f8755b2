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

    /// A worker, or a supervisor with children of its own.
    package struct Child: Hashable, Sendable {
        package let name: String
        package let restart: Restart

        package init(name: String, restart: Restart = .permanent) {
            self.name = name
            self.restart = restart
        }
    }

    package let strategy: Strategy
    /// How many restarts are allowed in ``period``.
    package let intensity: Int
    package let period: Duration
    package let children: [Child]

    package init(
        strategy: Strategy = .oneForOne, intensity: Int = 3, period: Duration = .seconds(5),
        children: [Child]
    ) {
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
