import ChaosCheckers
import ChaosCore

/// How an operation ended: its value (`nil` repeats the argument) and why it did not end as `ok`.
typealias Conclusion = (kind: Operation.Kind, value: JSONValue?, error: String?)

/// One operation of a client, and how it is carried out.
struct PlannedOperation: Sendable {
    /// The operation's name.
    let function: String
    /// The operation's argument.
    let argument: JSONValue
    /// Does it, and says how it ended.
    let perform: @Sendable (any OperationClient, Duration) async -> Conclusion
}

/// Whoever carries out operations on one node.
protocol OperationClient: Sendable {
    /// The client's name: `c1`.
    var name: String { get }
    /// The node it talks to.
    var nodeName: String { get }
    /// Sends a request that is a message, and waits for how it ends.
    func request(_ body: JSONObject, timeout: Duration) async -> RequestOutcome
    /// Ends it for good.
    func close() async
}

extension Client: OperationClient {
    var nodeName: String { self.node.node }
}

/// One request of a workload, and how its reply becomes the operation's value.
struct PlannedRequest: Sendable {
    /// The operation's name.
    let function: String
    /// The operation's argument.
    let argument: JSONValue
    /// What is sent; `msg_id` is added.
    let body: JSONObject
    /// The type of the reply that means success.
    let replyType: String
    /// The operation's value, or `nil` when the reply lacks it.
    let result: @Sendable (JSONObject) -> JSONValue?

    /// The request as an operation.
    var operation: PlannedOperation {
        let (body, type, result) = (self.body, self.replyType, self.result)
        return PlannedOperation(function: self.function, argument: self.argument) {
            await $0.request(body, timeout: $1).conclusion(expecting: type, result: result)
        }
    }
}
