import Testing

@testable import NodeKit

/// Two nodes that count their mail, and lose some.
@Suite struct CountedMailTests {
    private var watches: [String: PeerWatch] = [:]
    private var news: [String: [PeerNews]] = [:]
    private var now = Duration.zero
    /// From whom signs of life are lost.
    private var mute: Set<String> = []

    init() {
        for node in ["n1", "n2"] {
            self.watches[node] = PeerWatch(every: .milliseconds(100), countsMail: true)
            self.start(node, life: 1)
        }
        self.run(times: 3)
    }

    private mutating func start(_ node: String, life: UInt64) {
        self.watches[node] = PeerWatch(every: .milliseconds(100), countsMail: true)
        let membership = Membership(
            id: node, members: ["n1", "n2"], seed: 1, life: NodeLife(start: life, records: []))
        self.send(self.watches[node]?.start(membership) ?? [], from: node)
    }

    private mutating func send(_ effects: [Effect], from node: String) {
        for case .send(let other, let body) in effects where !self.mute.contains(node) {
            let sign = Message(from: node, to: other, body: body)
            let told = self.watches[other]?.receive(sign, at: self.now) ?? (effects: [], news: [])
            self.news[other, default: []] += told.news
            self.send(told.effects, from: other)
        }
    }

    private mutating func run(times: Int) {
        for _ in 0..<times {
            self.now += .milliseconds(100)
            for node in ["n1", "n2"] {
                let told = self.watches[node]?.beat(at: self.now) ?? (effects: [], news: [])
                self.news[node, default: []] += told.news
                self.send(told.effects, from: node)
            }
        }
    }

    private mutating func mail(from node: String, to other: String, isLost: Bool = false) {
        self.watches[node]?.noteMail(to: other)
        if !isLost { self.watches[other]?.noteMail(from: node) }
    }

    @Test mutating func mailThatArrivesChangesNothing() {
        for _ in 0..<5 {
            self.mail(from: "n1", to: "n2")
            self.mail(from: "n2", to: "n1")
            self.mail(from: "n2", to: "n1")
            self.run(times: 1)
        }
        #expect(self.news == ["n1": [.up("n2")], "n2": [.up("n1")]])
    }

    @Test(arguments: [["n1", "n2"], ["n2", "n1"]])
    mutating func lostMailEndsTheLinkOnBothSides(way: [String]) {
        self.mail(from: way[0], to: way[1], isLost: true)
        self.run(times: 3)
        #expect(self.news["n1"] == [.up("n2"), .down("n2"), .up("n2")])
        #expect(self.news["n2"] == [.up("n1"), .down("n1"), .up("n1")])
        // What was lost is over: from here on they count anew.
        self.mail(from: way[0], to: way[1])
        self.run(times: 5)
        #expect(self.news["n1"]?.count == 3 && self.news["n2"]?.count == 3)
    }

    /// The word that a link has ended gets lost as well, and the next ones tell it.
    @Test mutating func bothSidesLearnOfEachEnd() {
        self.mail(from: "n1", to: "n2", isLost: true)
        self.mute = ["n2"]
        self.run(times: 2)
        #expect(self.news["n1"] == [.up("n2")])
        #expect(self.news["n2"]?.prefix(2) == [.up("n1"), .down("n1")])
        self.mute = []
        self.run(times: 3)
        #expect(self.news["n1"] == [.up("n2"), .down("n2"), .up("n2")])
    }

    @Test mutating func anotherLifeBeginsToCountAnew() {
        self.mail(from: "n1", to: "n2")
        self.run(times: 1)
        self.start("n1", life: 2)
        self.run(times: 2)
        self.mail(from: "n1", to: "n2")
        self.mail(from: "n2", to: "n1")
        self.run(times: 5)
        #expect(self.news["n2"] == [.up("n1"), .down("n1"), .up("n1")])
    }
}
