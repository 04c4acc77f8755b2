import ChaosCore

/// How many messages were sent and arrived, by Maelstrom's definitions: a message is between servers
/// when neither end is a client; services are servers; `init` and `topology` count.
package struct NetStatistics: Hashable, Sendable {
    /// Messages of one kind.
    package struct Count: Hashable, Sendable {
        package var sent = 0
        package var received = 0

        package init() {}

        static func + (left: Count, right: Count) -> Count {
            var sum = left
            sum.sent += right.sent
            sum.received += right.received
            return sum
        }
    }

    /// Messages between a client and a node.
    package var clients = Count()
    /// Messages between nodes, and between nodes and services.
    package var servers = Count()
    /// How many of those nodes sent to other nodes.
    package var sentToNodes = 0

    package init() {}

    /// All messages.
    package var all: Count { self.clients + self.servers }

    /// The statistics as `results.json` has them.
    ///
    /// - Parameter operations: How many operations clients invoked, final reads included.
    package func json(operations: Int) -> JSONObject {
        func object(_ count: Count, perOperation: Bool) -> JSONValue {
            var object: JSONObject = [
                "send_count": .int(Int64(count.sent)), "recv_count": .int(Int64(count.received)),
                "msg_count": .int(Int64(count.sent)),
            ]
            if perOperation, operations > 0 {
                object["msgs_per_op"] = .double(Double(count.sent) / Double(operations))
            }
            return .object(object)
        }
        return [
            "all": object(self.all, perOperation: true),
            "clients": object(self.clients, perOperation: false),
            "servers": object(self.servers, perOperation: true),
        ]
    }
}
