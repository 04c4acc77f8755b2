import ChaosCore

extension Scenario {
    /// Which addresses the nodes have, as far as that is the same in each run: those of a lab, and those that the
    /// file gives.
    ///
    /// The addresses that the proxy gives of itself (`127.B.node.node`) are not among them: B is whatever
    /// is free.
    package var addressBook: AddressBook {
        var book = AddressBook()
        for (index, node) in self.nodes.enumerated() {
            if self.chosenBackend == .lab {
                book.addresses[node.name] = LabAddresses.Family.allCases.map {
                    IPAddress(bytes: LabAddresses.bytes(of: index + 1, $0))
                }
            } else if let address = node.address {
                book.addresses[node.name] = [address]
            }
        }
        return book
    }

    /// The same scenario, whose blocks of addresses select the nodes that have one in them.
    package func resolvingBlocks() -> Scenario {
        let book = self.addressBook
        var scenario = self
        scenario.network.rules = self.network.rules.map { $0.resolved(in: book) }
        scenario.captures = self.captures.map { $0.resolved(in: book) }
        scenario.schedule = self.schedule.map { entry in
            var entry = entry
            entry.action = entry.action.resolved(in: book)
            if case .when(var trigger) = entry.timing {
                trigger.nodes = trigger.nodes.resolved(in: book)
                entry.timing = .when(trigger)
            }
            return entry
        }
        return scenario
    }

    /// A block of addresses that selects nodes somewhere in the schedule or network, if there is one.
    package var firstBlock: CIDRBlock? {
        let inNetwork = self.network.rules.flatMap(\.patterns)
        return (inNetwork + self.schedule.flatMap(\.action.patterns)).flatMap(\.blocks).first
    }
}

extension FaultRule {
    /// Those at both ends.
    var patterns: [NodePattern] { [self.links.sources, self.links.targets] }

    fileprivate func resolved(in book: AddressBook) -> FaultRule {
        FaultRule(links: self.links.resolved(in: book), faults: self.faults)
    }
}

extension ScheduleAction {
    /// Everybody whom the action names, in whatever way.
    var patterns: [NodePattern] {
        switch self {
        case .partition(let partition, _, _): partition.patterns
        case .faults(let rules): rules.flatMap(\.patterns)
        case .process(_, .nodes(let pattern)), .tell(_, .nodes(let pattern)): [pattern]
        case .process, .tell, .nemesis, .heal: []
        }
    }

    fileprivate func resolved(in book: AddressBook) -> ScheduleAction {
        switch self {
        case .partition(let partition, let mode, let port):
            .partition(partition.resolved(in: book), mode: mode, port: port)
        case .faults(let rules): .faults(rules.map { $0.resolved(in: book) })
        case .process(let action, .nodes(let pattern)):
            .process(action, .nodes(pattern.resolved(in: book)))
        case .tell(let body, .nodes(let pattern)):
            .tell(body, .nodes(pattern.resolved(in: book)))
        case .process, .tell, .nemesis, .heal: self
        }
    }
}
