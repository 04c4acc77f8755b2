import ChaosCore
import NodeKit
import Testing

@testable import ReferenceNodes

/// Who dials, with a network that a test plays by hand, in virtual time.
@Suite("Dialer")
struct DialerTests {
    // MARK: - The race (RFC 8305)

    /// What a race does, as a line of words: `+0` begins an attempt, `-0` gives it up, `!0` has won.
    private func words(_ actions: [AddressRace.Action]) -> String {
        actions.map { action in
            switch action {
            case .connect(let address): "+\(address)"
            case .giveUp(let address): "-\(address)"
            case .won(let address): "!\(address)"
            case .lost: "lost"
            }
        }.joined(separator: " ")
    }

    @Test func theFirstAddressWinsWhereItAnswersAtOnce() {
        var race = AddressRace(count: 2, delay: .milliseconds(100))
        #expect(self.words(race.start(at: .zero)) == "+0")
        #expect(race.deadline == .milliseconds(100))
        #expect(self.words(race.connected(0)) == "!0")
        #expect(race.deadline == nil)
        #expect(self.words(race.run(at: .seconds(9))) == "")
    }

    @Test func theSecondIsTriedALittleLaterAndTheFirstGivenUp() {
        var race = AddressRace(count: 3, delay: .milliseconds(100))
        _ = race.start(at: .seconds(1))
        #expect(self.words(race.run(at: .milliseconds(1099))) == "")
        #expect(self.words(race.run(at: .milliseconds(1100))) == "+1")
        #expect(race.deadline == .milliseconds(1200))
        #expect(self.words(race.connected(1)) == "-0 !1")
    }

    @Test func aFailureBeginsTheNextAtOnceAndTheLastLoses() {
        var race = AddressRace(count: 2, delay: .milliseconds(100))
        _ = race.start(at: .zero)
        #expect(self.words(race.failed(0, at: .milliseconds(3))) == "+1")
        #expect(race.deadline == nil, "nothing is left to be tried")
        #expect(self.words(race.failed(1, at: .milliseconds(5))) == "lost")
    }

    @Test func itIsLostOnlyWhenNobodyIsOnHisWayAnyMore() {
        var race = AddressRace(count: 2, delay: .milliseconds(100))
        _ = race.start(at: .zero)
        _ = race.run(at: .milliseconds(100))
        #expect(self.words(race.failed(1, at: .milliseconds(101))) == "")
        #expect(self.words(race.failed(0, at: .milliseconds(800))) == "lost")
    }

    @Test func inTurnTheSecondWaitsForTheFirst() {
        var race = AddressRace(count: 2, delay: nil)
        _ = race.start(at: .zero)
        #expect(race.deadline == nil)
        #expect(self.words(race.run(at: .seconds(74))) == "")
        #expect(self.words(race.failed(0, at: .seconds(75))) == "+1")
    }

    /// RFC 8305, section 4: the families in turn, IPv6 first; without IPv6 as it stands.
    @Test(arguments: [
        (["a4", "b4", "a6", "b6"], ["a6", "a4", "b6", "b4"]),
        (["a4", "b4", "a6"], ["a6", "a4", "b4"]),
        (["a4", "a6", "b6", "c6"], ["a6", "a4", "b6", "c6"]), (["b4", "a4"], ["b4", "a4"]),
        ([], []),
    ])
    func familiesTakeTurns(names: [String], expected: [String]) {
        let hosts = Dictionary(
            uniqueKeysWithValues: names.map { ($0, $0.hasSuffix("6") ? "fd00::1" : "127.0.1.1") })
        #expect(AddressRace.order(names, hosts: hosts) == expected)
    }

    // MARK: - What failures mean

    @Test func onlyWhatWasNeverSentIsAFailure() {
        #expect(Dialing.verdict(on: .connecting).isDefinite)
        #expect(!Dialing.verdict(on: .sent).isDefinite)
    }

    // MARK: - The node

    /// One dialer, and a network in which the test says what happens.
    private struct Bench {
        var node: any StreamNode
        var now = Duration.zero
        /// Connections that were asked for: number, address, and how long they may take.
        var opened: [(number: Int, to: String, within: Duration)] = []
        var closed: [Int] = []
        /// What was sent on each connection.
        var sent: [Int: [Message]] = [:]
        var answers: [JSONObject] = []
        var timer: Duration?

        init(_ variant: String) throws {
            let chosen = try ReferenceSystem.dialer.variant(named: variant)
            guard case .streamNode(let make) = chosen.make else {
                throw InputError("the dialer speaks in streams", found: variant)
            }
            self.node = make()
            self.tell(
                .started(
                    StreamStart(
                        id: "d1", others: ["four", "six"], seed: 1,
                        hosts: ["four": "127.0.1.4", "six": "::1"])))
        }

        mutating func tell(_ input: StreamInput) {
            for effect in self.node.handle(input, at: self.now) {
                switch effect {
                case .open(let number, let peer, let patience):
                    self.opened.append((number, peer, patience))
                case .close(.outbound(let number)): self.closed.append(number)
                case .write(.outbound(let number), let bytes):
                    self.sent[number, default: []] += [try? Message(parsing: bytes.dropLast())]
                        .compactMap { $0 }
                case .write(.inbound, let bytes):
                    if let message = try? Message(parsing: bytes.dropLast()) {
                        self.answers.append(message.body)
                    }
                case .setTimer(_, let delay): self.timer = self.now + delay
                case .cancelTimer: self.timer = nil
                default: break
                }
            }
        }

        mutating func ask(_ id: Int64) {
            let body: JSONObject = ["type": "echo", "msg_id": .int(id), "echo": "hello"]
            let line = Message(from: "c1", to: "d1", body: body).line + "\n"
            self.tell(.received(.inbound(1), Array(line.utf8)))
        }

        /// Lets time pass, with all timers on the way.
        mutating func wait(_ duration: Duration) {
            let end = self.now + duration
            while let next = self.timer, next <= end {
                self.now = max(self.now, next)
                self.timer = nil
                self.tell(.timer("dialer"))
            }
            self.now = end
        }

        mutating func reply(on number: Int, pieces: Int = 1) {
            guard let request = self.sent[number]?.last else { return }
            let body: JSONObject = [
                "type": "echo_ok", "echo": "hello", "in_reply_to": request["msg_id"] ?? nil,
            ]
            let line = Message(from: "six", to: request.source, body: body).line + "\n"
            let bytes = Array(line.utf8)
            let size = bytes.count / pieces + 1
            for start in stride(from: 0, to: bytes.count, by: size) {
                self.tell(.received(.outbound(number), Array(bytes[start...].prefix(size))))
            }
        }

        var codes: [Int64] { self.answers.compactMap { $0["code"]?.intValue } }
    }

    @Test func aRequestIsAnsweredByTheFirstAddressThatAnswers() throws {
        var bench = try Bench("races")
        bench.ask(7)
        #expect(bench.opened.map(\.to) == ["six"])
        bench.tell(.opened(.outbound(1)))
        bench.reply(on: 1)
        #expect(bench.answers.first?["type"] == "echo_ok")
        #expect(bench.answers.first?["via"] == "six")
        #expect(bench.answers.first?["in_reply_to"] == 7)
        #expect(bench.closed == [1])
        #expect(bench.timer == nil, "nobody is left to wait for")
    }

    /// One family is swallowed: the robust variant has asked the other after a tenth of a second, the naive one is still
    /// waiting when TCP gives up. The two differ in nothing else.
    @Test func aSwallowedFamilyCostsADelayOrSeventyFiveSeconds() throws {
        var bench = try Bench("races")
        bench.ask(1)
        bench.wait(Dialing.attemptDelay)
        #expect(bench.opened.map(\.to) == ["six", "four"])
        bench.tell(.opened(.outbound(2)))
        bench.reply(on: 2)
        #expect(bench.answers.first?["via"] == "four")
        #expect(bench.closed == [1, 2])
        #expect(bench.now <= .milliseconds(300))

        var naive = try Bench("in-turn")
        naive.ask(1)
        naive.wait(.seconds(74))
        #expect(naive.opened.map(\.to) == ["six"])
        #expect(naive.opened.first?.within == .seconds(75))
        #expect(naive.answers.isEmpty)
        naive.tell(.ended(.outbound(1), StreamEnd(.timedOut, "no answer")))
        #expect(naive.opened.map(\.to) == ["six", "four"])
    }

    /// Every way to fail, before and after the request was sent.
    @Test(arguments: StreamEnd.Cause.allCases)
    func aFailureIsOneOnlyBeforeTheRequestWasSent(cause: StreamEnd.Cause) throws {
        for (variant, afterSending) in [("races", Int64(0)), ("fails-all", 11)] {
            var bench = try Bench(variant)
            bench.ask(1)
            bench.tell(.ended(.outbound(1), StreamEnd(cause, "gone")))
            bench.tell(.ended(.outbound(2), StreamEnd(cause, "gone")))
            #expect(bench.codes == [11])
            #expect(bench.answers.last?["text"] == "six gone, four gone")
            bench.ask(2)
            bench.tell(.opened(.outbound(3)))
            #expect(bench.sent[3]?.count == 1)
            bench.tell(.ended(.outbound(3), StreamEnd(cause, "gone")))
            #expect(bench.codes == [11, afterSending], "\(variant)")
            // What was sent is not sent again to the other address: it may have been done.
            #expect(bench.opened.count == 3)
        }
    }

    @Test func aSilentConnectionHasADeadlineOrNone() throws {
        for (variant, codes) in [("races", [Int64(0)]), ("no-deadline", [])] {
            var bench = try Bench(variant)
            bench.ask(1)
            bench.tell(.opened(.outbound(1)))
            bench.wait(.seconds(3600))
            #expect(bench.codes == codes, "\(variant)")
            // What comes later reaches nobody, or whoever still waits.
            bench.reply(on: 1)
            #expect(bench.answers.count == 1)
        }
    }

    @Test(arguments: [1, 2, 3, 50])
    func anAnswerInPiecesIsOne(pieces: Int) throws {
        var bench = try Bench("races")
        bench.ask(1)
        bench.tell(.opened(.outbound(1)))
        bench.reply(on: 1, pieces: pieces)
        #expect(bench.answers.map { $0["type"] } == ["echo_ok"])
        var naive = try Bench("one-read")
        naive.ask(1)
        naive.tell(.opened(.outbound(1)))
        naive.reply(on: 1, pieces: pieces)
        #expect(naive.answers.map { $0["type"] } == [pieces == 1 ? "echo_ok" : "error"])
    }

    @Test func whoHangsUpIsForgotten() throws {
        var bench = try Bench("races")
        bench.ask(1)
        bench.wait(Dialing.attemptDelay)
        bench.tell(.ended(.inbound(1), "gone"))
        #expect(bench.closed == [1, 2])
        #expect(bench.timer == nil)
        bench.tell(.opened(.outbound(1)))
        #expect(bench.sent.isEmpty && bench.answers.isEmpty)
    }
}
