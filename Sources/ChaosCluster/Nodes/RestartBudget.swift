import ChaosCore
import ChaosScenario

/// Decides whether a node that ended by itself is started again, and when.
///
/// The wait doubles from 100 ms to 5 s and starts over once a node has run for 10 s. More than
/// five restarts within 30 s end it: a node that cannot run must not look as if it did.
package struct RestartBudget: Sendable {
    package enum Decision: Hashable, Sendable {
        case restart(after: Duration)
        /// The policy does not restart it.
        case rest
        /// The policy would, but it died too often.
        case giveUp(String)
    }

    static let restartsMax = 5
    static let window = Duration.seconds(30)
    static let waitMin = Duration.milliseconds(100)
    static let waitMax = Duration.seconds(5)
    static let healthyAfter = Duration.seconds(10)

    private let policy: RestartPolicy
    private var wait = Self.waitMin
    private var restarts: [Instant] = []

    package init(policy: RestartPolicy) { self.policy = policy }

    /// Decides after a node ended that had been started at `started`.
    package mutating func decide(
        after status: ProcessExit, started: Instant, now: Instant
    ) -> Decision {
        switch self.policy {
        case .no: return .rest
        case .onFailure where status.isSuccess: return .rest
        case .onFailure, .always: break
        }
        if now - started >= Self.healthyAfter { self.wait = Self.waitMin }
        self.restarts.removeAll { now - $0 > Self.window }
        if self.restarts.count >= Self.restartsMax {
            return .giveUp(
                "it restarts at most \(Self.restartsMax) times within 30 s and has done so")
        }
        self.restarts.append(now)
        defer { self.wait = min(self.wait * 2, Self.waitMax) }
        return .restart(after: self.wait)
    }
}
