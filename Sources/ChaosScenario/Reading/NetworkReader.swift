import ChaosCore

/// What was read of a network: its conditions, the schedule of its profile, and the places of both.
struct ReadNetwork {
    var network = NetworkSpec()
    var schedule = ReadSchedule()
    var rulePlaces: [Position] = []
    var places: [(path: String, position: Position)] = []

    /// Remembers where everything stands.
    func record(in table: PlaceTable) {
        for (index, place) in self.rulePlaces.enumerated() {
            table["network.rules[\(index)]"] = place
        }
        for (path, position) in self.places { table[path] = position }
        self.schedule.record(in: table, from: 0)
    }
}

/// Reads the conditions of a network, and the profile they build on.
struct NetworkReader {
    let parser: ScenarioParser
    let mistakes: MistakeList
    /// The profiles that led here, for finding circles.
    let users: [String]

    /// The conditions: the profile's rules first, then its own.
    func network(_ node: YAMLNode) -> ReadNetwork? {
        guard let mapping = MappingReader(node, "'network'", self.mistakes) else { return nil }
        var read = ReadNetwork()
        if let name = mapping.text("profile") {
            let position = mapping.position(of: "profile")
            if let profile = self.profile(name, at: position) { read = profile }
            read.network.profile = name
        } else if let name = mapping.text("inlined") {
            // Written by chaos itself: the profile's rules stand below, word for word.
            read.network.profile = name
        }
        if let framing = mapping.node("framing") { self.readFraming(framing, into: &read) }
        if let mode: PartitionMode = mapping.word("mode") {
            read.network.partitionMode = mode
            read.places.append(("network.mode", mapping.position(of: "mode")))
        }
        if let limit = mapping.read("limit", FaultLimits.positiveSize) {
            read.network.queueLimit = limit
        }
        if let links = mapping.node("links") {
            for (rule, place) in LinkRulesReader(mistakes: self.mistakes).rules(links, "'links'") {
                read.network.rules.append(rule)
                read.rulePlaces.append(place)
            }
        }
        mapping.finish(
            synonyms: ["default": "profile", "partition_mode": "mode"],
            outside: ["addressing", "backend", "engine", "expose", "seed"])
        return read
    }

    private func profile(_ name: String, at position: Position) -> ReadNetwork? {
        if self.users.contains(name) {
            let circle = (self.users + [name]).joined(separator: " uses ")
            self.mistakes.add(
                InputError("a profile does not use itself", found: circle), at: position)
            return nil
        }
        let builtIn = BuiltInProfiles.all.first { $0.name == name }
        guard
            let found = self.parser.findProfile(name)
                ?? builtIn.map({ ScenarioParser.ProfileText(file: "\(name).yaml", text: $0.text) })
        else {
            let known = self.parser.profileNames + BuiltInProfiles.all.map(\.name)
            let nearest = Suggestion.nearest(to: name, among: known)
            self.mistakes.add(
                InputError(
                    "there is no such profile", found: name,
                    hint: nearest.map { "did you mean '\($0)'?" } ?? "'chaos profiles' lists them"),
                at: position)
            return nil
        }
        var composer = YAMLComposer(file: found.file, mistakes: self.mistakes)
        let reader = ProfileReader(
            parser: self.parser, mistakes: self.mistakes, file: found.file,
            users: self.users + [name])
        return composer.read(found.text).flatMap { reader.profile($0) }?.read
    }

    private func readFraming(_ node: YAMLNode, into read: inout ReadNetwork) {
        guard let mapping = MappingReader(node, "'framing'", self.mistakes) else { return }
        for entry in mapping.all {
            let port = self.mistakes.catching(at: entry.keyPosition) { () throws(InputError) in
                try PortName(parsing: entry.key)
            }
            let framing = mapping.read(entry.key) { text throws(InputError) -> Framing in
                return try Word.parse(text, as: "a framing")
            }
            guard let port, let framing else { continue }
            read.network.framing[port] = framing
            read.places.append(("network.framing.\(port)", entry.keyPosition))
        }
    }
}

/// Reads faults by the links they are on: `{ n1<->n3: { delay: 80ms } }`.
struct LinkRulesReader {
    let mistakes: MistakeList

    /// The rules in order, each with the place of its pattern.
    ///
    /// A list of such mappings is read too, for a pattern that has several rules.
    func rules(_ node: YAMLNode, _ what: String) -> [(rule: FaultRule, place: Position)] {
        if case .sequence(let elements) = node.content {
            return elements.flatMap { self.rules($0, what) }
        }
        guard let mapping = MappingReader(node, what, self.mistakes) else { return [] }
        return mapping.all.compactMap { entry in
            let pattern = self.mistakes.catching(at: entry.keyPosition) { () throws(InputError) in
                try LinkPattern(parsing: entry.key)
            }
            guard let conditions = MappingReader(entry.value, "a link", self.mistakes) else {
                return nil
            }
            let faults = FaultReader(mistakes: self.mistakes).faults(in: conditions)
            conditions.finish(synonyms: Self.synonyms, notYet: ["http"])
            if conditions.all.isEmpty {
                conditions.add(
                    InputError("a link needs at least one fault", hint: "such as 'delay: 80ms'"))
            }
            // A link without faults has been told about; its nodes are looked at all the same.
            guard let pattern else { return nil }
            return (FaultRule(links: pattern, faults: faults), entry.keyPosition)
        }
    }

    /// Other tools' words for faults.
    static let synonyms = [
        "latency": "delay", "jitter": "delay: { latency: …, jitter: … }", "bandwidth": "rate",
        "packet_loss": "loss", "drop": "loss", "limit": "limit_data", "corruption": "corrupt",
    ]
}

/// Reads profiles.
struct ProfileReader {
    let parser: ScenarioParser
    let mistakes: MistakeList
    let file: String
    let users: [String]

    /// The profile, and its parts with their places.
    func profile(_ root: YAMLNode) -> (profile: Profile, read: ReadNetwork)? {
        guard let mapping = MappingReader(root, "a profile", self.mistakes) else { return nil }
        let name = mapping.text("name") ?? self.users.last ?? ""
        if !mapping.has("name") { mapping.add(InputError("a profile needs a 'name'")) }
        let summary = mapping.text("summary") ?? ""
        var read = ReadNetwork()
        if let node = mapping.node("network") {
            read =
                NetworkReader(
                    parser: self.parser, mistakes: self.mistakes, users: self.users
                ).network(node) ?? read
        }
        if let node = mapping.node("schedule") {
            read.schedule.append(
                ScheduleReader(mistakes: self.mistakes).schedule(node, named: name))
        }
        mapping.finish(notYet: [])
        let profile = Profile(
            name: name, summary: summary, network: read.network, schedule: read.schedule.entries)
        return (profile, read)
    }
}
