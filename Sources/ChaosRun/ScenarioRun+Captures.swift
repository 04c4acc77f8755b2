import ChaosCluster
import ChaosControl
import ChaosCore
import ChaosLab
import ChaosScenario

// What a run writes down of the packets between its nodes.

extension ScenarioRun {
    /// The file of what the scenario itself wants captured.
    static let captureFile = "capture.pcapng"

    /// Begins what the scenario wants captured, before anything can be sent.
    func beginScenarioCapture(_ parts: Parts) async throws {
        if self.scenario.captures.isEmpty { return }
        do {
            _ = try await self.beginCapture(
                self.scenario.captures, Self.captureFile, nil, parts)
        } catch { throw RunError("\(error)") }
    }

    /// Begins a capture; in effect when it returns.
    func beginCapture(
        _ links: [LinkPattern], _ file: String, _ lease: Duration?, _ parts: Parts
    ) async throws -> JSONValue {
        guard let lab = self.holdings.lab else {
            throw CommandError(
                .unsupported,
                "only the lab has packets to capture, and this run has the backend 'proxy'",
                hint: "start the run with '--backend lab'")
        }
        let id = await parts.network.makeID("c")
        let path = parts.directory.file(file)
        let captured: [Link]
        do {
            captured = try await lab.capture(id, links, to: path) { [weak self] in
                // Nobody reads any more.
                Task { await self?.endCapture(quietly: id) }
            }
        } catch { throw CommandError(.failed, "\(error)") }
        self.memory.captures.append((id, file))
        let text = links.map(\.description).joined(separator: " ")
        self.journal("capture", ["state": "begin", "id": .string(id), "links": .string(text)])
        self.tell("\(id) captures \(text)")
        if let lease {
            self.leases[id] = Task {
                guard (try? await Task.sleep(for: lease, tolerance: .zero)) != nil else { return }
                await self.endCapture(quietly: id)
            }
        }
        return [
            "id": .string(id), "file": .string(path),
            "links": .array(captured.map { .string($0.description) }), "confirmed": true,
        ]
    }

    /// Ends a capture; all of it is written when it returns.
    func endCapture(_ id: String) async throws(CommandError) -> JSONValue {
        guard let summary = await self.endCapture(quietly: id) else {
            let known = self.memory.captures.map(\.id)
            throw CommandError(
                .notFound, "there is no such capture, found '\(id)'",
                hint: known.isEmpty ? "none is going on" : Suggestion.hint(for: id, among: known))
        }
        return [
            "id": .string(id), "packets": .int(Int64(summary.packets)),
            "missing": .int(Int64(summary.missing)), "confirmed": true,
        ]
    }

    @discardableResult
    private func endCapture(quietly id: String) async -> CaptureSummary? {
        guard let index = self.memory.captures.firstIndex(where: { $0.id == id }) else {
            return nil
        }
        let file = self.memory.captures.remove(at: index).file
        self.leases.removeValue(forKey: id)?.cancel()
        guard let summary = await self.holdings.lab?.endCapture(id) else { return nil }
        let packets = summary.packets == 1 ? "1 packet" : "\(summary.packets) packets"
        self.journal(
            "capture",
            [
                "state": "end", "id": .string(id), "packets": .int(Int64(summary.packets)),
                "missing": .int(Int64(summary.missing)),
            ])
        self.tell("\(id) is over: \(packets) in \(file)")
        if let failure = summary.failure {
            // Who takes a pipe away wants no more.
            if !file.hasSuffix(Self.pipeSuffix) {
                self.warn("not all of \(file) could be written: \(failure)")
            }
        } else if summary.missing > 0 {
            self.warn(
                "\(file) lacks \(summary.missing) packets, which came faster than they were written"
            )
        }
        return summary
    }

    /// What the name of a pipe ends with, through which `chaos capture` reads.
    package static let pipeSuffix = ".pipe"

    /// Ends what is still captured, when nothing is sent any more.
    func endCaptures() async {
        for capture in self.memory.captures { await self.endCapture(quietly: capture.id) }
    }
}
