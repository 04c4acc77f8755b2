import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// Gossip of who is there, in virtual time, over a network that loses datagrams.
@Suite("Membership")
struct MembershipTests {
    private struct Net {
        let variant: String
        let names: [String]
        var cookies: [String: String] = [:]
        var nodes: [String: any StreamNode] = [:]
        var births: [String: Duration] = [:]
        /// How often each was started on its folder; nobody has one where it is `nil`.
        var starts: [String: UInt64]? = [:]
        /// What the machines' clocks show at the beginning.
        var date = Duration.seconds(1000)
        var due: [String: Duration] = [:]
        var now = Duration.zero
        /// The share of datagrams that is lost.
        var loss = Ratio.zero
        /// From whom to whom nothing gets through.
        var cut: Set<[String]> = []
        var randomness: Randomness
        var sent = 0

        init(
            _ variant: String, _ count: Int, cookies: [String: String] = [:], seed: UInt64 = 1,
            hasFolders: Bool = true
        ) throws {
            self.variant = variant
            if !hasFolders { self.starts = nil }
            self.names = (1...count).map { "n\($0)" }
            self.cookies = cookies
            self.randomness = Randomness(seed: seed, label: "net")
            for name in self.names { try self.start(name) }
        }

        mutating func start(_ name: String) throws {
            let variant = try ReferenceSystem.membership.variant(named: self.variant)
            guard case .streamNode(let make) = variant.make else { return }
            self.nodes[name] = make()
            self.births[name] = self.now
            self.starts?[name, default: 0] += 1
            let start = StreamStart(
                id: name, others: self.names.filter { $0 != name }, seed: 7,
                date: self.date + self.now, cookie: self.cookies[name] ?? "",
                hasDatagrams: true, start: self.starts?[name] ?? 0)
            self.tell(name, .started(start))
        }

        mutating func kill(_ name: String) {
            self.nodes[name] = nil
            self.due[name] = nil
        }

        mutating func isolate(_ name: String) {
            for other in self.names { self.cut.formUnion([[name, other], [other, name]]) }
        }

        mutating func tell(_ name: String, _ input: StreamInput) {
            guard let birth = self.births[name] else { return }
            for effect in self.nodes[name]?.handle(input, at: self.now - birth) ?? [] {
                switch effect {
                case .send(let other, let bytes):
                    self.sent += 1
                    if self.cut.contains([name, other]) || self.randomness.chance(self.loss) {
                        continue
                    }
                    self.tell(other, .datagram(bytes))
                case .setTimer(_, let wait): self.due[name] = self.now + wait
                default: break
                }
            }
        }

        mutating func run(for duration: Duration) {
            let end = self.now + duration
            while let next = self.due.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
                next.value <= end
            {
                self.now = next.value
                self.due[next.key] = nil
                self.tell(next.key, .timer("gossip"))
            }
            self.now = end
        }

        /// Whom a node takes for alive, and in which life.
        mutating func members(_ name: String) -> [String: Int64] {
            guard let birth = self.births[name] else { return [:] }
            let ask = #"{"src":"c1","dest":"n1","body":{"type":"members","msg_id":1}}"# + "\n"
            let effects =
                self.nodes[name]?.handle(
                    .received(.inbound(1), Array(ask.utf8)), at: self.now - birth) ?? []
            guard case .write(_, let line)? = effects.first,
                let answer = try? Message(parsing: line.dropLast())
            else { return [:] }
            var members: [String: Int64] = [:]
            for member in answer["members"]?.arrayValue ?? [] {
                members[member["node"]?.stringValue ?? ""] = member["life"]?.intValue
            }
            return members
        }

        mutating func names(_ name: String) -> [String] { self.members(name).keys.sorted() }
    }

    @Test(arguments: ["heartbeats", "announce-once", "hearsay", "unsealed"])
    func inPeaceAllKnowAll(variant: String) throws {
        var net = try Net(variant, 5)
        net.run(for: .seconds(2))
        for name in net.names { #expect(net.names(name) == net.names) }
    }

    /// Whatever three in ten lost datagrams, cuts and deaths do, in the end all know who lives.
    @Test(arguments: 1...25 as ClosedRange<UInt64>)
    func whateverHappensAllKnowWhoLives(seed: UInt64) throws {
        var net = try Net("heartbeats", 5, seed: seed)
        var randomness = Randomness(seed: seed, label: "faults")
        net.loss = Ratio(percent: 30)
        for _ in 0..<10 {
            let victim = randomness.pick(net.names) ?? ""
            switch randomness.next(below: 3) {
            case 0: net.isolate(victim)
            case 1:
                net.kill(victim)
                net.run(for: .milliseconds(randomness.next(below: 3000)))
                try net.start(victim)
            default: net.cut = []
            }
            net.run(for: .milliseconds(randomness.next(below: 3000)))
        }
        net.cut = []
        net.kill("n5")
        net.run(for: .seconds(5))
        let living = ["n1", "n2", "n3", "n4"]
        for name in living {
            let members = net.members(name)
            #expect(members.keys.sorted() == living)
            for other in living { #expect(members[other] == net.members(other)[other]) }
        }
    }

    @Test func whoDiesIsForgottenAndNotBroughtBack() throws {
        for (variant, isForgotten) in [("heartbeats", true), ("hearsay", false)] {
            var net = try Net(variant, 4)
            net.run(for: .seconds(2))
            net.kill("n3")
            net.run(for: .seconds(60))
            let known = isForgotten ? ["n1", "n2", "n4"] : ["n1", "n2", "n3", "n4"]
            for name in ["n1", "n2", "n4"] { #expect(net.names(name) == known, "\(variant)") }
        }
    }

    @Test func whoWasNotHeardWhenItBeganIsFoundLater() throws {
        for (variant, isFound) in [("heartbeats", true), ("announce-once", false)] {
            var net = try Net(variant, 3)
            net.run(for: .seconds(2))
            net.isolate("n3")
            net.kill("n3")
            try net.start("n3")
            net.run(for: .seconds(3))
            net.cut = []
            net.run(for: .seconds(5))
            #expect(net.names("n1") == (isFound ? ["n1", "n2", "n3"] : ["n1", "n2"]))
            #expect(net.names("n3") == (isFound ? ["n1", "n2", "n3"] : ["n3"]))
        }
    }

    @Test func aNewLifeReplacesTheOldOneBeforeItIsMissed() throws {
        var net = try Net("heartbeats", 3)
        net.run(for: .seconds(2))
        let old = net.members("n1")["n2"]
        net.kill("n2")
        net.run(for: .milliseconds(300))
        try net.start("n2")
        net.run(for: .seconds(1))
        #expect(net.members("n1")["n2"] != old)
        #expect(net.members("n1")["n2"] == net.members("n2")["n2"])
    }

    @Test func whoDoesNotKnowTheSecretDoesNotJoin() throws {
        for (variant, joins) in [("heartbeats", false), ("unsealed", true)] {
            var net = try Net(variant, 3, cookies: ["n1": "gold", "n2": "gold", "n3": "silver"])
            net.run(for: .seconds(5))
            #expect(net.names("n1") == (joins ? ["n1", "n2", "n3"] : ["n1", "n2"]))
            #expect(net.names("n3") == (joins ? ["n1", "n2", "n3"] : ["n3"]))
        }
    }

    @Test func whatIsNoWordIsSkipped() throws {
        var net = try Net("unsealed", 2)
        net.run(for: .seconds(1))
        for text in ["", " ", "no space", "x [", "x [[1,2,3]]", "x {}", #"x [["n9",1]]"#] {
            net.tell("n1", .datagram(Array(text.utf8)))
        }
        #expect(net.names("n1") == ["n1", "n2"])
    }

    @Test func everyNodeSpeaksToTwoOthersEachTime() throws {
        var net = try Net("heartbeats", 5)
        net.sent = 0
        net.run(for: .seconds(10))
        // Five nodes, two datagrams each, about every 100 ms.
        #expect((700...1300).contains(net.sent), "\(net.sent)")
    }

    /// Lives are counted in the node's folder, so a clock that was set back does not make the new one look like an old one.
    @Test func aLaterLifeIsNewerWhateverTheClockSays() throws {
        for hasFolders in [true, false] {
            var net = try Net("heartbeats", 3, hasFolders: hasFolders)
            net.run(for: .seconds(1))
            net.kill("n2")
            net.date -= .seconds(500)
            try net.start("n2")
            net.run(for: .seconds(3))
            #expect((net.members("n1")["n2"] != nil) == hasFolders)
        }
    }
}
