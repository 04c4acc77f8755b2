import ChaosCore

/// One step in the life of a message on a framed link, for those who draw it.
package struct MessageStep {
    /// What happened to the message.
    package enum Event {
        /// It was read from its sender.
        case sent(MessageView)
        /// Its first byte was handed to its receiver's socket; twice for one that is duplicated.
        case left
        /// A fault or a cut took it away.
        case lost(injection: String)
    }

    /// What happened.
    package let event: Event
    /// When.
    package let at: Instant
    /// The link that the message travels on.
    package let link: Link
    /// The connection, by its number among those that were opened over its link.
    package let connection: Int
    /// Whether it goes the way in which the connection was opened.
    package let direction: Direction
    /// The message, by its number in its connection and direction, from 0.
    package let message: Int
}

/// Takes down what happens to messages.
package final class MessageTracer {
    /// Whether messages that are read from now on are wanted, too; those that were are told to their
    /// end. While they are, messages are kept back until they are whole.
    package var takesMore: Bool { self.left > 0 }

    private var left: Int
    private let take: (MessageStep) -> Void

    /// Makes a tracer of so many messages.
    package init(limit: Int, take: @escaping (MessageStep) -> Void) {
        self.left = limit
        self.take = take
    }

    func note(_ step: MessageStep) {
        if case .sent = step.event { self.left -= 1 }
        self.take(step)
    }
}

extension StreamPipeline {
    /// Tells who traces messages of a step.
    func trace(_ event: MessageStep.Event, _ message: Int, at now: Instant) {
        self.link.network.messageTracer?.note(
            MessageStep(
                event: event, at: now, link: self.link.link, connection: self.connectionOrdinal,
                direction: self.direction, message: message))
    }
}
