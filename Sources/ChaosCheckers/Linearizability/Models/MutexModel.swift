import ChaosCore

/// A lock that is free or held.
///
/// Operations: `acquire` and `release`, of whatever value.
package struct MutexModel: SequentialModel {
    package enum Action: Hashable, Sendable {
        case acquire(Int?)
        case release(Int?)
    }

    package enum State: Hashable, Sendable {
        case free
        case held(Int?)
    }

    /// Whether only the process that holds the lock may release it.
    package let hasOwner: Bool

    package init(hasOwner: Bool = false) { self.hasOwner = hasOwner }

    package var name: String { self.hasOwner ? "owner-mutex" : "mutex" }
    package var initialState: State { .free }

    package func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action> {
        let owner = self.hasOwner ? invocation.begin.process : nil
        switch invocation.begin.function {
        case "acquire", "lock": return .action(.acquire(owner))
        case "release", "unlock": return .action(.release(owner))
        default:
            throw InputError.unknownFunction(
                invocation, model: self.name, known: ["acquire", "release"])
        }
    }

    package func step(_ state: State, _ action: Action) -> State? {
        switch (state, action) {
        case (.free, .acquire(let owner)): return .held(owner)
        case (.held(let holder), .release(let owner)) where holder == owner: return .free
        default: return nil
        }
    }

    package func states(toldApartBy actions: [Action], of all: [Action]) -> [State]? {
        var states: [State] = [.free]
        for action in actions {
            switch action {
            case .acquire(let owner), .release(let owner):
                if !states.contains(.held(owner)) { states.append(.held(owner)) }
            }
        }
        // Held by somebody who does nothing here.
        return states + [.held(-1)]
    }

    package func text(of state: State) -> String {
        switch state {
        case .free: "free"
        case .held(let owner): owner.map { "held by process \($0)" } ?? "held"
        }
    }

    package func text(of action: Action) -> String {
        switch action {
        case .acquire: "acquire"
        case .release: "release"
        }
    }
}
