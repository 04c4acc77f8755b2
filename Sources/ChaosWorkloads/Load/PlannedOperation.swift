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
    let perform: @Sendable (any MessageClient, Duration) async -> Conclusion

    /// Lets a client do it.
    func run(by client: any OperationClient, timeout: Duration) async -> Conclusion {
        switch client {
        case let client as any OperationTranslator:
            return await client.carryOut(self.function, self.argument, timeout: timeout)
        case let client as any MessageClient: return await self.perform(client, timeout)
        default: preconditionFailure("a client sends messages or translates operations: \(client)")
        }
    }
}

/// Whoever carries out operations on one node.
protocol OperationClient: Sendable {
    /// The client's name: `c1`.
    var name: String { get }
    /// The node it talks to.
    var nodeName: String { get }
    /// Ends it for good.
    func close() async
}

/// A client that sends operations as messages of Maelstrom's.
protocol MessageClient: OperationClient {
    /// Sends a request, and waits for how it ends.
    func request(_ body: JSONObject, timeout: Duration) async -> RequestOutcome
}

/// A client that carries out operations in its own way, whatever message they are to others.
protocol OperationTranslator: OperationClient {
    /// Does it, and says how it ended.
    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion
}

extension Client: MessageClient {
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
