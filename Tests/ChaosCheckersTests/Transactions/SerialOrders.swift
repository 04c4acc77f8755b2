import ChaosCheckers
import ChaosCore

/// Tries every serial order of transactions: slow, simple, and written apart from the checkers that it judges.
enum SerialOrders {
    /// Whether some order of all ok and some of the unknown transactions explains every read.
    static func exist(for history: History, keepsTime: Bool) -> Bool {
        let invocations = history.invocations.filter { $0.outcome != .fail }
        return Self.exists(invocations, [:], keepsTime)
    }

    private static func exists(
        _ rest: [Invocation], _ state: [JSONValue: [JSONValue]], _ keepsTime: Bool
    ) -> Bool {
        if rest.allSatisfy({ $0.outcome == .info }) { return true }
        for (position, next) in rest.enumerated() {
            let isMinimal = rest.allSatisfy { other in
                other.outcome == .info || (other.end?.index ?? .max) > next.begin.index
            }
            if keepsTime && !isMinimal { continue }
            guard let after = Self.run(next, on: state) else { continue }
            var others = rest
            others.remove(at: position)
            if Self.exists(others, after, keepsTime) { return true }
        }
        return false
    }

    private static func run(
        _ invocation: Invocation, on state: [JSONValue: [JSONValue]]
    ) -> [JSONValue: [JSONValue]]? {
        var state = state
        let isKnown = invocation.outcome == .ok
        let value = isKnown ? invocation.end?.value : invocation.begin.value
        for step in value?.arrayValue ?? [] {
            guard let parts = step.arrayValue else { return nil }
            let list = state[parts[1]] ?? []
            switch parts[0] {
            case "append", "w": state[parts[1]] = list + [parts[2]]
            default:
                if !isKnown { continue }
                let isList = parts[2].arrayValue != nil
                let seen = isList ? JSONValue.array(list) : list.last ?? .null
                if seen != parts[2] { return nil }
            }
        }
        return state
    }
}
