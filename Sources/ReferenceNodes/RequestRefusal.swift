import ChaosCore
import NodeKit

/// Why a request is not served, and the answer to give.
struct RequestRefusal: Error {
    /// The error reply.
    let answer: Effect

    /// A request that gets this answer.
    init(_ answer: Effect) { self.answer = answer }

    /// A request that lacks something, or has it in the wrong form.
    init(_ request: Message, _ rule: String) {
        self.answer = .error(to: request, .malformedRequest, rule)
    }

    /// A request of a type that the node does not know.
    init(unsupported request: Message) { self.answer = .unsupported(request) }
}
