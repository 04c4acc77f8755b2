import ChaosCore

/// What clients invoked and saw, in the order in which it happened.
package struct History: Hashable, Sendable {
    /// The events by index.
    package private(set) var operations: [Operation]

    package init(_ operations: [Operation] = []) { self.operations = operations }

    /// Adds an event at the end.
    package mutating func append(_ operation: Operation) { self.operations.append(operation) }

    /// Every invocation with its completion, in order of invocation.
    ///
    /// A completion belongs to the latest open invocation of its process; one without is ignored.
    package var invocations: [Invocation] {
        var invocations: [Invocation] = []
        var open: [Int: Int] = [:]
        for operation in self.operations {
            if operation.kind == .invoke {
                open[operation.process] = invocations.count
                invocations.append(Invocation(begin: operation, end: nil))
            } else if let position = open.removeValue(forKey: operation.process) {
                invocations[position].end = operation
            }
        }
        return invocations
    }
}
