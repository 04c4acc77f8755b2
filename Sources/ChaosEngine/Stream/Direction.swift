/// One of the two ways bytes go on a connection.
package enum Direction: String, CaseIterable, Sendable {
    /// From the node that opened the connection to the one that listened.
    case forward
    /// What comes back.
    case backward

    /// The other way.
    package var reversed: Direction { self == .forward ? .backward : .forward }
}

/// One of the two sockets of a proxied connection, by the node it faces.
package enum Leg: CaseIterable, Sendable {
    /// The socket that faces the node that opened the connection.
    case opener
    /// The socket that faces the node that listened.
    case listener
}

/// What a driver must do for a connection.
package enum StreamAction<Bytes: StreamBytes>: Sendable {
    /// Write these bytes to the leg at which the direction ends.
    case write(Direction, Bytes)
    /// Shut down writing on the leg at which the direction ends, behind everything written.
    case closeWriting(Direction)
    /// Reset both legs (RST). Nothing follows.
    case reset
    /// Close both legs (FIN) behind everything written. Nothing follows.
    case close
}
