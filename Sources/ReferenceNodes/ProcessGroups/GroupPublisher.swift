import ChaosCore
import NodeKit

/// Publishes to the members of groups, at most once to each.
///
/// Two things come when a node comes up: the news that it can be heard, and who belongs there. What is published between them
/// waits for the second one, because nobody knows to whom it is to go.
struct GroupPublisher {
    /// What is on its way to the members of a group.
    private struct Publication {
        let group: GroupMembership.Group
        let body: JSONObject
    }

    /// One that this node made by itself.
    private struct Greeting {
        let message: JSONValue
        let node: String
        let time: Duration
    }

    /// The nodes that can be heard and whose members are not known yet, each with what waits for them.
    private var waiting: [String: [Publication]] = [:]
    private var greetings: [Greeting] = []
    private var count: Int64 = 0

    /// A node has come up, and who belongs there is not known.
    mutating func wait(for node: String) { self.waiting[node] = [] }

    /// A node cannot be heard any more.
    mutating func giveUp(_ node: String) { self.waiting[node] = nil }

    /// Who belongs on a node is known.
    mutating func merged(
        _ node: String, _ members: [GroupMembership], _ context: inout ProcessContext
    ) {
        for publication in self.waiting.removeValue(forKey: node) ?? [] {
            for member in members
            where member.pid.node == node && member.group == publication.group {
                context.cast(.pid(member.pid), publication.body)
            }
        }
    }

    /// Tells all members of a group.
    ///
    /// - Parameter members: Those on nodes that can be heard.
    /// - Returns: How many were told at once.
    @discardableResult
    mutating func publish(
        _ message: JSONValue, in group: GroupMembership.Group, _ members: [GroupMembership],
        _ context: inout ProcessContext
    ) -> Int {
        self.count += 1
        // No other process ever publishes under this name.
        let id = "\(context.pid)/\(self.count)"
        let body: JSONObject = ["type": "message", "id": .string(id), "value": message]
        let known = members.filter { $0.group == group && self.waiting[$0.pid.node] == nil }
        for member in known { context.cast(.pid(member.pid), body) }
        for node in self.waiting.keys {
            self.waiting[node]?.append(Publication(group: group, body: body))
        }
        return known.count
    }

    /// Tells the lobby that a node has come up.
    mutating func greet(
        _ node: String, _ members: [GroupMembership], _ context: inout ProcessContext
    ) {
        let message = JSONValue.string(
            "\(context.pid) greets \(node) (\(self.greetings.count + 1))")
        self.greetings.append(Greeting(message: message, node: node, time: context.now))
        self.publish(message, in: .lobby, members, &context)
    }

    /// All greetings of this process: what, to whom, and how long ago.
    func greetings(at now: Duration) -> JSONValue {
        .array(
            self.greetings.map { greeting in
                [
                    "message": greeting.message, "to": .string(greeting.node),
                    "ago_us": .int((now - greeting.time).wholeNanoseconds / 1000),
                ]
            })
    }
}
