#if os(Linux) && Lab
    import ChaosCore
    import ChaosEngine
    import ChaosTopology

    // Links whose faults the kernel's netem has. What netem cannot do as the packet switch does it stays there,
    // link by link, and is said once.

    /// What the kernel's netem does for a link; nothing where `spec` is nil.
    struct NetemInForce {
        let line: LabLine
        let spec: NetemSpec?
    }

    extension LabPlane {
        /// Begins to use the kernel's netem; where there is none, says so and leaves everything to the packet
        /// switch.
        func startNetem() {
            do throws(LabError) {
                let netem = try KernelNetem(self.lab, self.ports)
                self.netem = netem
                if netem.takesSeeds == false {
                    self.tellOnce(
                        "kernel netem takes no seed here (Linux 6.6 does): what it decides differs from "
                            + "run to run")
                }
            } catch {
                self.tellOnce(
                    "this kernel has no netem, so the packet switch has all links: \(error) "
                        + "(mend: sudo modprobe -a sch_netem sch_htb cls_u32)")
            }
        }

        /// What happens to a link's packets, if the kernel's netem may have those that cross the switch.
        func shaped(_ line: LabLine, _ treatment: LinkTreatment) -> LinkTreatment {
            line.wantedNetem = nil
            let network = line.state
            guard let netem = self.netem, treatment == .switched, !self.isIntercepted(line),
                network.coveringCuts.isEmpty,
                !network.reversed.coveringCuts.contains(where: { $0.mode == .establishedOnly })
            else { return treatment }
            do throws(NetemSpec.Refusal) {
                let spec = try NetemSpec(
                    network.winningInjections.map(\.fault),
                    seed: self.network.seed.derived("netem", network.link.description).value)
                if spec.duplicate.probability > 0 && !netem.mayDuplicate {
                    throw NetemSpec.Refusal(
                        kind: .duplicate,
                        reason: "this kernel lets no netem double packets beside another")
                }
                line.wantedNetem = spec
                return .shaped
            } catch {
                let injection = network.winningInjections.first { $0.fault.kind == error.kind }
                self.tellOnce(
                    "'\(injection?.text ?? error.kind.rawValue)' stays with the packet switch, and with it its links: "
                        + error.reason)
                return treatment
            }
        }

        /// The pairs with a target that has one of these.
        private func byTarget(_ changed: [LabPair]) -> [(target: Int, pairs: [LabPair])] {
            let all = self.pairs.compactMap { $0 }
            return Set(changed.map(\.target)).sorted().map { target in
                (target, all.filter { $0.target == target })
            }
        }

        func beginNetem(_ changed: [LabPair]) throws(LabError) {
            guard let netem = self.netem else { return }
            for (target, pairs) in self.byTarget(changed) {
                try netem.begin(pairs, to: target)
            }
        }

        func finishNetem(_ changed: [LabPair]) throws(LabError) {
            guard let netem = self.netem else { return }
            for (target, pairs) in self.byTarget(changed) {
                try netem.finish(pairs, to: target)
            }
        }

        /// The netems that links have now.
        func netemsInForce(_ pairs: [LabPair]) -> [NetemInForce] {
            if self.netem == nil { return [] }
            return pairs.flatMap(\.lines).map { NetemInForce(line: $0, spec: $0.netem?.spec) }
        }

        /// Gives links again what they had before a change that failed.
        func restoreNetem(_ before: [NetemInForce]) {
            guard let netem = self.netem else { return }
            for old in before { old.line.wantedNetem = old.spec }
            let targets = Set(before.map(\.line.target)).sorted()
            for target in targets {
                let pairs = self.pairs.compactMap { $0 }.filter { $0.target == target }
                do throws(LabError) { try netem.finish(pairs, to: target) } catch {
                    self.tellOnce(
                        "what a failed change left of netem towards \(self.lab.nodes[target - 1]) "
                            + "cannot be undone: \(error)")
                }
            }
        }

        /// Brings the books up to date with what the kernel did.
        func readNetem() {
            do throws(LabError) { try self.netem?.readCounts(self.allLines) } catch {
                self.tellOnce("what netem counted cannot be read: \(error)")
            }
        }

        func cleanNetem() {
            do throws(LabError) { try self.netem?.clean() } catch {
                self.tellOnce("an old netem cannot be removed: \(error)")
            }
        }
    }
#endif
