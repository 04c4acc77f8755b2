import ChaosCheckers
import ChaosCore

/// A lock with a token: every client acquires it, writes five times to what it protects, and gives it back. One
/// that is told that it has lost the lock begins anew.
struct LockSource: OperationSource {
    private static let writesPerHold = 5
    private static let name: JSONValue = "leader"

    private var generator: Generator
    /// What each worker holds, and how often it has yet to write.
    private var holds: [Int: (token: Int64, writesLeft: Int)] = [:]

    init(seed: Seed) { self.generator = seed.derived("operations").generator }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        guard let hold = self.holds[worker] else { return (worker, Self.acquire(worker)) }
        self.holds[worker]?.writesLeft -= 1
        return (
            worker, hold.writesLeft > 0 ? Self.write(hold.token) : Self.release(hold.token)
        )
    }

    mutating func concluded(
        _ operation: PlannedOperation, by worker: Int, as end: Conclusion
    ) {
        switch (operation.function, end.kind) {
        case ("acquire", .ok):
            guard let token = end.value?["token"]?.intValue else { return }
            self.holds[worker] = (token, Self.writesPerHold)
        case ("write", .ok): break
        default: self.holds[worker] = nil
        }
    }

    private static func acquire(_ worker: Int) -> PlannedOperation {
        PlannedRequest(
            function: "acquire", argument: Self.name,
            body: ["type": "register", "name": Self.name, "addr": .string("client \(worker)")],
            replyType: "register_ok", result: { reply in reply["token"].map { ["token": $0] } }
        ).operation
    }

    private static func write(_ token: Int64) -> PlannedOperation {
        PlannedRequest(
            function: "write", argument: ["token": .int(token)],
            body: ["type": "write", "name": Self.name, "token": .int(token)],
            replyType: "write_ok", result: { _ in ["token": .int(token)] }
        ).operation
    }

    private static func release(_ token: Int64) -> PlannedOperation {
        PlannedRequest(
            function: "release", argument: Self.name,
            body: ["type": "unregister", "name": Self.name, "token": .int(token)],
            replyType: "unregister_ok", result: { _ in Self.name }
        ).operation
    }
}
