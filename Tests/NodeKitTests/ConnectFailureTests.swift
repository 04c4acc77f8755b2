import NIOCore
import NodeKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the errors of sockets mean.
@Suite("Why a connection failed")
struct ConnectFailureTests {
    @Test(arguments: [
        (ECONNREFUSED, StreamEnd.Cause.refused), (ETIMEDOUT, .timedOut), (ECONNRESET, .reset),
        (EPIPE, .reset), (ECONNABORTED, .reset), (EHOSTUNREACH, .unreachable),
        (ENETUNREACH, .unreachable), (EHOSTDOWN, .unreachable), (ENETDOWN, .unreachable),
        (EADDRNOTAVAIL, .exhausted), (EMFILE, .exhausted), (ENFILE, .exhausted),
        (EINVAL, .other), (EACCES, .other),
    ])
    func anErrnoHasAMeaning(code: Int32, cause: StreamEnd.Cause) {
        #expect(ConnectFailure(errno: code).end.cause == cause)
        let wrapped = ConnectFailure(IOError(errnoCode: code, reason: "connect"))
        #expect(wrapped.end == ConnectFailure(errno: code).end)
        #expect(wrapped.isTimeout == (cause == .timedOut))
    }

    @Test func whoWaitedLongEnoughSawNobody() {
        let failure = ConnectFailure(ChannelError.connectTimeout(.seconds(1)))
        #expect(failure.end == StreamEnd(.timedOut, "no answer"))
    }
}
