import ChaosCore
import NodeKit

/// A moment of two-phase commit between two of its steps, at which a node may be told to crash.
///
/// What comes before a point has happened for good: it is durable, and sent. What comes after has not.
package enum CrashPoint: String, CaseIterable, Sendable {
    // The coordinator.
    /// A client has asked, and nobody knows of it.
    case asked
    case firstPrepareSent = "first-prepare-sent"
    case preparesSent = "prepares-sent"
    /// All have promised, and nothing is decided.
    case votesCounted = "votes-counted"
    /// The decision is in the log, and nobody knows of it: from here on it stands.
    case decisionLogged = "decision-logged"
    case firstCommitSent = "first-commit-sent"
    case commitsSent = "commits-sent"
    case clientAnswered = "client-answered"
    /// All have carried it out, and the log does not say so.
    case acknowledged

    // A participant.
    case prepareReceived = "prepare-received"
    /// The promise is in the log, and nobody knows of it.
    case promiseLogged = "promise-logged"
    case voteSent = "vote-sent"
    case decisionReceived = "decision-received"
    /// The money has moved, and the coordinator does not know.
    case commitLogged = "commit-logged"
    case ackSent = "ack-sent"
}

/// Where a node is to crash, if anywhere.
struct CrashPlan: Sendable {
    private var armed: CrashPoint?

    /// Takes an administrator's `crash-at{point}`.
    mutating func arm(_ request: Message) -> [Effect] {
        guard let point = request["point"]?.stringValue.flatMap(CrashPoint.init(rawValue:)) else {
            let known = CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
            let sentence = "'crash-at' has one of these in 'point': \(known)"
            return [.error(to: request, .malformedRequest, sentence)]
        }
        if let armed = self.armed {
            let sentence = "it has not come to '\(armed.rawValue)' yet"
            return [.error(to: request, .temporarilyUnavailable, sentence)]
        }
        self.armed = point
        return [.reply(to: request, ["type": "crash-at_ok"])]
    }

    /// What happens at a point: nothing, or the end of this life.
    func passing(_ point: CrashPoint) -> [Effect] {
        self.armed == point ? [.crash("crashes at '\(point.rawValue)', as it was told")] : []
    }
}
