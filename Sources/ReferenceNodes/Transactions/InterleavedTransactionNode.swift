import ChaosCore
import NodeKit

/// Runs each transaction step by step, and lets others run in between: what one has not finished, another reads
/// and writes over. For one node; each has registers of its own.
struct InterleavedTransactionNode: Node {
    /// How long a step takes, as one does that has to ask a disk.
    private static let step = Duration.milliseconds(2)

    private struct Running {
        let request: Message
        let steps: [TransactionStep]
        var results: [JSONValue] = []
    }

    private var values: [JSONValue: JSONValue] = [:]
    private var running: [String: Running] = [:]
    private var started = 0

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started: return []
        case .timer(let name): return self.run(name)
        case .message(let request):
            do {
                let steps = try TransactionStep.steps(of: request, write: "w")
                self.started += 1
                let name = "\(self.started)"
                self.running[name] = Running(request: request, steps: steps)
                return self.run(name)
            } catch {
                return [error.answer]
            }
        }
    }

    /// Does the next step of a transaction.
    private mutating func run(_ name: String) -> [Effect] {
        guard var transaction = self.running.removeValue(forKey: name) else { return [] }
        guard transaction.results.count < transaction.steps.count else {
            return [.txnOk(to: transaction.request, transaction.results)]
        }
        let step = transaction.steps[transaction.results.count]
        switch step.operation {
        case .read: transaction.results.append(step.json(reading: self.values[step.key] ?? .null))
        case .write(let value):
            self.values[step.key] = value
            transaction.results.append(step.json)
        }
        self.running[name] = transaction
        return [.setTimer(name, after: Self.step)]
    }
}
