import ChaosCore
import ChaosScenario

extension Scenario {
    /// Puts a profile below the scenario's own conditions, and above the profile that it may name.
    ///
    /// A profile's conditions are for links between nodes. Where there are no nodes, only links from
    /// a wrapped command to servers, they apply to those.
    package mutating func use(_ profile: Profile) {
        var rules = profile.network.rules
        if self.nodes.isEmpty {
            rules = rules.flatMap { rule in
                rule.links == .betweenNodes || rule.links.description == "*<->*"
                    ? self.externalLinks.map { link in
                        FaultRule(
                            links: LinkPattern(
                                NodePattern(.client), NodePattern(link.name), isBothWays: true),
                            faults: rule.faults)
                    } : [rule]
            }
        }
        // Later rules beat earlier ones, so this one comes behind a profile that the file names.
        let isSecond = self.network.profile != nil
        self.network.rules = isSecond ? self.network.rules + rules : rules + self.network.rules
        self.network.profile = profile.name
        self.schedule = profile.schedule + self.schedule
    }
}
