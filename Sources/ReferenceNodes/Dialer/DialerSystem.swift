import NodeKit

// S42: who dials, and what he makes of it when nobody answers.
//
//     TYPE{…} -> TYPE_ok{…, via}      whatever the server answers, and by which address it was reached
//                error 11             nothing was sent, so nothing was done
//                error 0              it was sent, and nobody knows
//
// Its peers are the addresses of one name: `--peers four=127.0.1.4:7001,six=[::1]:7001`. Each request has a connection of its own.

extension ReferenceSystem {
    static let dialer = ReferenceSystem(
        name: "dialer", summary: "asks a server that has several addresses",
        variants: [
            Variant("races", "tries IPv6 and IPv4 a little apart, and waits only so long") {
                DialerNode([])
            },
            Variant("in-turn", "tries one address after the other, each for 75 seconds") {
                DialerNode([.triesInTurn])
            },
            Variant("no-deadline", "waits for an answer as long as it takes") {
                DialerNode([.waitsForEver])
            },
            Variant("one-read", "takes whatever it reads at once for the answer") {
                DialerNode([.takesReadsForAnswers])
            },
            Variant("fails-all", "takes every failure for 'it was not done'") {
                DialerNode([.takesFailuresForNo])
            },
        ])
}

enum Dialing {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        case triesInTurn
        case waitsForEver
        case takesReadsForAnswers
        case takesFailuresForNo
    }

    /// How long an attempt is alone before the next one begins: RFC 8305 recommends 250 ms and allows 100 ms.
    static let attemptDelay = Duration.milliseconds(100)
    /// How long an attempt to connect may take.
    static let connectPatience = Duration.milliseconds(800)
    /// How long TCP tries by itself: what BSD's `connect` took, and Linux's takes 127 seconds (`tcp_syn_retries`, tcp(7)).
    static let kernelPatience = Duration.seconds(75)
    /// How long an answer may take.
    static let answerPatience = Duration.milliseconds(700)

    /// How far a request had got when its connection failed.
    enum Progress: Sendable, CaseIterable { case connecting, sent }

    /// What a failure says about the request: it was certainly not done (error 11), or nobody knows (error 0).
    ///
    /// What was never sent was never done, whatever the reason. What was sent may have been done, whatever the reason: a
    /// reset, a close and a silence come behind the request as easily as before it.
    static func verdict(on progress: Progress) -> ErrorCode {
        switch progress {
        case .connecting: .temporarilyUnavailable
        case .sent: .timeout
        }
    }
}
