#if os(Linux) && Lab
    import CLab
    import ChaosCore
    import ChaosEngine
    import ChaosProxy
    import ChaosTopology

    // A change of the network, as the kernel is told of it:
    //
    //   witnesses look ─▶ new netems ─▶ new rules ─▶ old rules go ─▶ old netems go
    //
    // What the kernel refuses in the middle of that is undone the other way round, so that links are either as
    // the books say now, or as they said before.

    extension LabPlane {
        /// What the kernel does for a pair: what the books say, or are to say.
        private struct Plan {
            let pair: LabPair
            /// Of each of its links, in order.
            let treatments: [LinkTreatment]
            let rules: [RouteRule]

            var isCut: Bool { self.treatments.contains { $0.isCut } }

            init(pair: LabPair, treatments: [LinkTreatment], rules: [RouteRule]) {
                self.pair = pair
                self.treatments = treatments
                self.rules = rules
            }

            /// What it does now.
            init(now pair: LabPair) {
                self.init(pair: pair, treatments: pair.lines.map(\.treatment), rules: pair.rules)
            }

            /// Says so in the books.
            func note() {
                self.pair.rules = self.rules
                for (line, treatment) in zip(self.pair.lines, self.treatments) {
                    line.treatment = treatment
                }
            }
        }

        /// Obeys the network as it is now.
        ///
        /// - Throws: `LabError` for what the kernel refuses; everything is as it was before then, and the
        ///   next change tries again.
        func networkChanged() throws {
            if self.isClosed { return }
            let changed = self.pairs.compactMap { $0 }.filter { pair in
                pair.lines.contains { $0.revision != $0.state.revision }
                    || self.pair(pair.target, pair.source)?.lines.contains {
                        $0.revision != $0.state.revision
                    } == true
            }
            if changed.isEmpty { return }
            let plans = changed.map(self.plan)
            let before = changed.map(Plan.init(now:))
            let netems = self.netemsInForce(changed)
            let begin = self.captures.isEmpty ? 0 : self.wallClock()
            do { try self.carryOut(plans) } catch {
                self.goBack(to: before, netems, from: plans)
                throw error
            }
            for line in changed.flatMap(\.lines) { line.revision = line.state.revision }
            if !self.captures.isEmpty { self.noteTreatments(of: changed, since: begin) }
            // Nobody is told to look for less if that is not possible: more does no harm.
            try? self.watchCuts([])
            self.lookAt = self.lookAgain
            self.settle(changed)
        }

        private func plan(_ pair: LabPair) -> Plan {
            let treatments = pair.lines.map(self.treatment)
            let byPort = Dictionary(
                uniqueKeysWithValues: zip(pair.lines.map(\.state.link.port), treatments))
            let rules = LinkRules.rules(from: pair.source, to: pair.target, self.ports) {
                byPort[$0] ?? .open
            }
            return Plan(pair: pair, treatments: treatments, rules: rules)
        }

        private func carryOut(_ plans: [Plan]) throws {
            let pairs = plans.map(\.pair)
            // Who is to see what gets through a cut must look before the cut is there.
            try self.watchCuts(plans.filter(\.isCut).map(\.pair))
            // Where a link comes to have a netem it is there first, and where it had one, last.
            try self.beginNetem(pairs)
            try self.routes.change(
                .add, plans.flatMap { Self.rules(of: $0.rules, not: $0.pair.rules) })
            try self.routes.change(
                .remove, plans.flatMap { Self.rules(of: $0.pair.rules, not: $0.rules) })
            // What was seen up to now was on its way before the cut was there.
            self.readWitnesses()
            for plan in plans { plan.note() }
            try self.finishNetem(pairs)
        }

        /// Undoes as much of a change as the kernel lets go of.
        private func goBack(to before: [Plan], _ netems: [NetemInForce], from plans: [Plan]) {
            for (old, new) in zip(before, plans) {
                // Of some it is not known whether they came to be, or went.
                try? self.routes.change(.addMissing, Self.rules(of: old.rules, not: new.rules))
                for rule in Self.rules(of: new.rules, not: old.rules) {
                    try? self.routes.change(.remove, [rule])
                }
            }
            self.readWitnesses()
            for plan in before { plan.note() }
            self.restoreNetem(netems)
            try? self.watchCuts([])
            self.lookAt = self.lookAgain
            self.sleep()
        }

        private static func rules(of some: [RouteRule], not others: [RouteRule]) -> [RouteRule] {
            some.filter { !others.contains($0) }
        }

        // MARK: - What links want

        /// Whether routes keep back what a connection that the proxy carries sends over a link.
        func keepsBack(_ link: Link) -> Bool {
            guard let source = self.lab.nodes.firstIndex(of: link.source),
                let target = self.lab.nodes.firstIndex(of: link.target),
                let line = self.pair(source + 1, target + 1)?.line(link.port)
            else { return false }
            return line.treatment.whereIntercepted.isCut
        }

        /// Whether connections over a link go through the proxy, at whichever end the listener is.
        func isIntercepted(_ line: LabLine) -> Bool {
            [line.source, line.target].contains { node in
                self.ports.ports(of: node).contains {
                    $0.name == line.state.link.port && $0.isIntercepted
                }
            }
        }

        private func treatment(of line: LabLine) -> LinkTreatment {
            let network = line.state
            let treatment = LinkTreatment(
                cuts: network.coveringCuts.map(\.mode),
                reversedCuts: network.reversed.coveringCuts.map(\.mode),
                faults: network.winningInjections.map(\.fault.kind),
                hasMessages: network.framing.messagesStandAlone)
            return self.shaped(line, treatment)
        }

        /// Lets what waits go or stay, as links are now.
        private func settle(_ pairs: [LabPair]) {
            self.readRing(atMost: Int(self.ring.frame_count))
            let now = self.clock.now
            for line in pairs.flatMap(\.lines) where line.hasPipeline {
                line.pipeline.networkChanged(at: now)
                self.drain(line, at: now)
            }
            self.sleep()
        }

        // MARK: - Witnesses

        /// Has witnesses look at all pairs that are cut, and at these.
        private func watchCuts(_ more: [LabPair]) throws {
            var pairs = self.pairs.compactMap { $0 }.filter(\.isCut)
            for pair in more where !pair.isCut { pairs.append(pair) }
            var incoming: [Int: [Int]] = [:]
            var outgoing: [Int: [Int]] = [:]
            for pair in pairs {
                incoming[pair.source, default: []].append(pair.target)
                outgoing[pair.target, default: []].append(pair.source)
            }
            for number in self.lab.nodes.indices.map({ $0 + 1 }) {
                let (targets, sources) = (incoming[number] ?? [], outgoing[number] ?? [])
                if targets.isEmpty && sources.isEmpty {
                    self.witnesses[number] = nil
                    continue
                }
                let filter = WitnessFilter(
                    incomingTo: targets.sorted(), outgoingFrom: sources.sorted())
                if let witness = self.witnesses[number] {
                    try witness.look(for: filter)
                } else {
                    self.witnesses[number] = try Witness(self.lab.interfaces[number - 1], filter)
                }
            }
        }
    }
#endif
