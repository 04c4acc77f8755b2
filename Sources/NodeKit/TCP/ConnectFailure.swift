import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why a connection was not made, without the wrapping of several layers.
package struct ConnectFailure {
    /// A few words, such as `connection refused`.
    package let reason: String
    /// Whether nobody answered, as opposed to somebody saying no.
    package let isTimeout: Bool

    package init(_ error: any Error) {
        // A host name may have several addresses; the first one's failure stands for all.
        let first = (error as? NIOConnectionError)?.connectionErrors.first?.error
        switch first ?? error {
        case let system as IOError:
            self.reason = String(cString: strerror(system.errnoCode)).lowercased()
            self.isTimeout = system.errnoCode == ETIMEDOUT
        case ChannelError.connectTimeout:
            self.reason = "no answer"
            self.isTimeout = true
        case let other:
            self.reason = "\(other)"
            self.isTimeout = false
        }
    }
}
