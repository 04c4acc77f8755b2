import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Says in a few words why a socket could not do something.
enum SocketFailure {
    /// A clause such as `connection refused (errno 111)`.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: Self.text(of: error.errnoCode)
        case ChannelError.connectTimeout(let time):
            "no answer within \(time.nanoseconds / 1_000_000_000)s"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { Self.reason($0.error) }
                ?? "no address for '\(error.host)'"
        default: "\(error)"
        }
    }

    /// A clause for an error number.
    static func text(of number: CInt) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        _ = strerror_r(number, &buffer, buffer.count)
        let text = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(text.prefix(1).lowercased())\(text.dropFirst()) (errno \(number))"
    }

    /// Whether another process, or another socket of this one, has the address.
    static func isAddressInUse(_ error: any Error) -> Bool {
        (error as? IOError)?.errnoCode == EADDRINUSE
    }
}
