import ChaosCheckers
import ChaosCore

/// Tries every order: slow, simple, and written apart from the search that it judges.
enum BruteForce {
    static func isLinearizable<Model: SequentialModel>(
        _ history: History, _ model: Model
    ) throws -> Bool {
        var operations: [(invocation: Invocation, action: Model.Action)] = []
        for invocation in history.invocations where invocation.outcome != .fail {
            if case .action(let action) = try model.action(of: invocation) {
                operations.append((invocation, action))
            }
        }
        return Self.hasOrder(operations, model.initialState, model)
    }

    private static func hasOrder<Model: SequentialModel>(
        _ rest: [(invocation: Invocation, action: Model.Action)], _ state: Model.State,
        _ model: Model
    ) -> Bool {
        if rest.allSatisfy({ $0.invocation.outcome == .info }) { return true }
        for (position, next) in rest.enumerated() {
            // Nothing that is left may have returned before this one was called.
            let isMinimal = rest.allSatisfy { other in
                other.invocation.outcome == .info
                    || (other.invocation.end?.index ?? .max) > next.invocation.begin.index
            }
            guard isMinimal, let after = model.step(state, next.action) else { continue }
            var others = rest
            others.remove(at: position)
            if Self.hasOrder(others, after, model) { return true }
        }
        return false
    }
}
