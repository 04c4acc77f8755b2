import ChaosCore
import ChaosEngine
import ChaosSockets
import Testing

@testable import ChaosProxy

@Suite("Sockets that wait until it is known who opened them")
struct OpenerQueueTests {
    private struct Nobody: OpenerRecognition {
        func recognise(
            _ socket: OpeningSocket, answer: @escaping @Sendable (Opener) -> Void
        ) {}
    }

    /// A queue at the address of a link.
    private static func queue(_ link: Link, sharers: [NodeName] = []) -> OpenerQueue<String> {
        let rule = OpenerRule(
            recognition: Nobody(), sharers: sharers,
            sources: ["n1": "127.77.2.1", "n3": "127.77.2.3"])
        return OpenerQueue(
            ProxiedLink(
                link: link, listen: .tcp(host: "127.77.0.2", port: 1),
                upstream: .tcp(host: "127.77.2.2", port: 1), sourceHost: "127.77.2.0",
                openers: rule), rule)
    }

    private static let shared = Link(.client, "n2", "p")

    private static func shown(_ ready: [OpenerQueue<String>.Recognised]) -> [String] {
        ready.map { one in
            let remark = one.remark.map { remark in
                let details = remark.details.map { "\($0.key)=\($0.value.stringValue ?? "")" }
                return " (\(remark.event) \(details.joined(separator: " ")))"
            }
            return "\(one.socket) \(one.spec.link) from \(one.spec.sourceHost ?? "-")"
                + (remark ?? "")
        }
    }

    @Test func theyLeaveInTheOrderInWhichTheyCame() {
        var queue = Self.queue(Self.shared, sharers: ["n1", "n2", "n3"])
        let tickets = ["a", "b", "c"].map { queue.append($0) }
        #expect(queue.answer(.node("n3"), for: tickets[1]).isEmpty)
        #expect(queue.answer(.node("n1"), for: tickets[2]).isEmpty)
        #expect(
            Self.shown(queue.answer(.client, for: tickets[0])) == [
                "a client->n2:p from 127.77.2.0", "b n3->n2:p from 127.77.2.3",
                "c n1->n2:p from 127.77.2.1",
            ])
        #expect(queue.count == 0)
        let last = queue.append("d")
        #expect(
            Self.shown(queue.answer(.node("n2"), for: last)) == ["d n2->n2:p from -"])
    }

    @Test func anAnswerCountsOnceAndNotAfterTheEnd() {
        var queue = Self.queue(Self.shared)
        let ticket = queue.append("a")
        let second = queue.append("b")
        #expect(queue.answer(.client, for: ticket).count == 1)
        #expect(queue.answer(.client, for: ticket).isEmpty)
        #expect(queue.removeAll() == ["b"])
        #expect(queue.answer(.client, for: second).isEmpty)
        let third = queue.append("c")
        #expect(queue.answer(.client, for: second).isEmpty)
        #expect(queue.answer(.client, for: third).map(\.socket) == ["c"])
    }

    @Test func whoCannotBeToldIsWhoTheAddressSays() {
        var queue = Self.queue(Link("n1", "n2", "p"))
        let ticket = queue.append("a")
        #expect(
            Self.shown(queue.answer(.unknown("gone"), for: ticket)) == [
                "a n1->n2:p from 127.77.2.0 (opener state=unknown link=n1->n2:p why=gone)"
            ])
    }

    @Test func whoComesToAnAddressOfOthersIsRemarkedAndReckonedWith() {
        var queue = Self.queue(Link("n1", "n2", "p"))
        #expect(queue.links == [Link("n1", "n2", "p")])
        let ticket = queue.append("a")
        #expect(
            Self.shown(queue.answer(.node("n3"), for: ticket)) == [
                "a n3->n2:p from 127.77.2.3 (opener state=mismatch link=n3->n2:p "
                    + "dialled=127.77.0.2:1 of=n1->n2:p)"
            ])
        #expect(queue.links == [Link("n1", "n2", "p"), Link("n3", "n2", "p")])
    }

    @Test func theLinksOfAnAddressAreOfAllWhoAreToldIt() {
        let queue = Self.queue(Self.shared, sharers: ["n1", "n2", "n3"])
        #expect(queue.links == [Self.shared, Link("n1", "n2", "p"), Link("n3", "n2", "p")])
    }
}
