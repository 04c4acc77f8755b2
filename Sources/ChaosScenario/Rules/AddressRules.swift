import ChaosCore

extension ScenarioRules {
    /// What is wrong with the addresses that a file gives its nodes.
    func addressProblems() -> [Problem] {
        self.scenario.nodes.enumerated().compactMap { index, node in
            guard let address = node.address,
                let error = self.problem(of: address, node, number: index + 1)
            else { return nil }
            return Problem(path: "nodes.\(node.name)", error: error)
        }
    }

    private func problem(
        of address: IPAddress, _ node: NodeSpec, number: Int
    ) -> InputError? {
        if self.scenario.chosenBackend == .lab {
            let own = LabAddresses.Family.allCases.map { LabAddresses.node(number, $0) }
            return InputError(
                "a lab gives its nodes their addresses", found: address.description,
                hint: "leave 'address' out: \(node.name) is \(own.joined(separator: " and "))")
        }
        if node.speech == .maelstrom {
            return InputError(
                "a node that speaks on standard input and output has no address",
                found: address.description)
        }
        if address.bytes == [UInt8](repeating: 0, count: 15) + [1] { return nil }
        let isLocal = address.isIPv4 && address.bytes[0] == 127
        if isLocal, !(77...126).contains(address.bytes[1]) { return nil }
        return InputError(
            isLocal
                ? "127.77.0.0 to 127.126.255.255 belong to chaos's own proxies"
                : "behind a proxy a node's address is one of 127.0.0.0/8, or ::1",
            found: address.description, hint: "for example '127.0.1.\(number)'")
    }

    /// What is wrong with blocks of addresses: somebody must be in each.
    func emptyBlocks(among patterns: [NodePattern]) -> [InputError] {
        if self.scenario.nodes.isEmpty { return [] }
        let book = self.scenario.addressBook
        return patterns.flatMap(\.blocks).filter { book.nodes(in: $0).isEmpty }.map {
            InputError(
                "a block of addresses has a node in it", found: $0.description,
                hint: book.hint)
        }
    }
}

extension AddressBook {
    /// Who is where, for somebody who named a block in which nobody is.
    package var hint: String {
        let first = self.addresses.sorted { $0.key < $1.key }.prefix(8)
        if first.isEmpty { return "give nodes an address: 'address: 127.0.1.1'" }
        let places = first.map { name, addresses in
            "\(name) \(addresses.map(\.description).joined(separator: " and "))"
        }
        let more = self.addresses.count - first.count
        return "nodes are at \(places.joined(separator: ", "))"
            + (more > 0 ? ", and \(more) more" : "")
    }
}
