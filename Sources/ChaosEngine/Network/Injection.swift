import ChaosCore
import ChaosScenario

/// Who put a fault on the network.
package enum InjectionOrigin: String, Sendable {
    /// The profile or the scenario's network: always there.
    case background
    /// A line of the schedule.
    case schedule
    /// A person or program at the control socket.
    case control
}

/// One fault put on the links of a pattern, with what it has done so far.
package final class Injection {
    /// Names the injection; unique in its run, and the same again with the same seed and schedule.
    package let id: String
    /// Who asked for it.
    package let origin: InjectionOrigin
    /// The links.
    package let links: LinkPattern
    /// The fault.
    package let fault: Fault
    /// When it took effect.
    package let begin: Instant
    /// Its place among all injections; the later of two equally precise ones wins.
    let order: Int
    /// Whether it was not taken away.
    var isActive = true
    /// How many connections, messages and blocks were exposed to it.
    package internal(set) var touched = 0
    /// How many of them it struck.
    package internal(set) var hits = 0

    init(
        id: String, origin: InjectionOrigin, links: LinkPattern, fault: Fault, begin: Instant,
        order: Int
    ) {
        self.id = id
        self.origin = origin
        self.links = links
        self.fault = fault
        self.begin = begin
        self.order = order
    }

    /// The fault as people write it.
    package var text: String { self.fault.text }

    /// Whether this one beats another of its kind on a link that both select: exact beats glob, a
    /// named port beats none, the later beats the earlier.
    func beats(_ other: Injection) -> Bool {
        if self.links.precision != other.links.precision {
            return self.links.precision > other.links.precision
        }
        return self.order > other.order
    }
}
