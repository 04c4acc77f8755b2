import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why a connection was not made, or ended, without the wrapping of several layers.
package struct ConnectFailure {
    /// What was seen, and a few words, such as `connection refused`.
    package let end: StreamEnd

    /// A few words.
    package var reason: String { self.end.reason }

    /// Whether nobody answered, as opposed to somebody saying no.
    package var isTimeout: Bool { self.end.cause == .timedOut }

    package init(_ error: any Error) {
        // A host name may have several addresses; the first one's failure stands for all.
        let first = (error as? NIOConnectionError)?.connectionErrors.first?.error
        switch first ?? error {
        case let system as IOError: self.end = Self.end(errno: system.errnoCode)
        case ChannelError.connectTimeout: self.end = StreamEnd(.timedOut, "no answer")
        case let other: self.end = StreamEnd(.other, "\(other)")
        }
    }

    /// What the error of a socket means (connect(2), send(2), recv(2), tcp(7), ip(7)).
    package init(errno code: Int32) { self.end = Self.end(errno: code) }

    private static func end(errno code: Int32) -> StreamEnd {
        StreamEnd(Self.cause(of: code), String(cString: strerror(code)).lowercased())
    }

    private static func cause(of code: Int32) -> StreamEnd.Cause {
        switch code {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .timedOut
        // Writing to what the other side has reset is EPIPE once the reset was reported.
        case ECONNRESET, ECONNABORTED, EPIPE: .reset
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .unreachable
        case EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM: .exhausted
        default: .other
        }
    }
}
