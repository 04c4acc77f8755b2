import NodeKit
import Testing

/// Who is up, in virtual time, over links that can be cut in each direction.
@Suite struct PeerWatchTests {
    private struct Net {
        var watches: [String: PeerWatch]
        var cut: Set<String> = []
        var news: [String: [PeerNews]] = [:]
        var now = Duration.zero
        var started: Set<String> = []

        init(_ nodes: [String] = ["n1", "n2", "n3"], cookies: [String: String] = [:]) {
            self.watches = [:]
            for node in nodes {
                self.watches[node] = PeerWatch(
                    every: .milliseconds(100), missed: 4, cookie: cookies[node] ?? "")
            }
            for node in nodes { self.start(node, life: 1) }
        }

        mutating func start(_ node: String, life: UInt64) {
            let membership = Membership(
                id: node, members: self.watches.keys.sorted(), seed: 1,
                life: NodeLife(start: life, records: []))
            self.started.insert(node)
            let effects = self.watches[node]?.start(membership) ?? []
            self.send(effects, from: node)
        }

        mutating func send(_ effects: [Effect], from node: String) {
            for case .send(let other, let body) in effects
            where !self.cut.contains("\(node) \(other)") && self.started.contains(other) {
                let message = Message(from: node, to: other, body: body)
                let told =
                    self.watches[other]?.receive(message, at: self.now) ?? (effects: [], news: [])
                self.news[other, default: []] += told.news
                self.send(told.effects, from: other)
            }
        }

        mutating func run(for duration: Duration) {
            let end = self.now + duration
            while self.now < end {
                self.now += .milliseconds(100)
                for node in self.watches.keys.sorted() {
                    let told = self.watches[node]?.beat(at: self.now) ?? (effects: [], news: [])
                    self.news[node, default: []] += told.news
                    self.send(told.effects, from: node)
                }
            }
        }

        func connected(_ node: String) -> [String] { self.watches[node]?.connected ?? [] }
    }

    @Test func everybodyIsUpOnce() {
        var net = Net()
        net.run(for: .seconds(2))
        for node in ["n1", "n2", "n3"] {
            #expect(net.connected(node) == ["n1", "n2", "n3"].filter { $0 != node })
            #expect(net.news[node]?.count == 2)
        }
    }

    @Test(arguments: [["n1 n2"], ["n2 n1"], ["n1 n2", "n2 n1"]])
    func aCutInAnyDirectionIsDownOnBothSidesAndUpAgainAfterIt(_ cut: Set<String>) {
        var net = Net()
        net.run(for: .seconds(1))
        net.news = [:]
        net.cut = cut
        net.run(for: .seconds(2))
        #expect(net.connected("n1") == ["n3"] && net.connected("n2") == ["n3"])
        #expect(net.news["n1"] == [.down("n2")] && net.news["n2"] == [.down("n1")])
        net.cut = []
        net.run(for: .seconds(1))
        #expect(net.news["n1"] == [.down("n2"), .up("n2")])
        #expect(net.news["n2"] == [.down("n1"), .up("n1")])
        #expect(net.news["n3", default: []].isEmpty)
    }

    @Test func anotherLifeIsAnotherNode() {
        var net = Net()
        net.run(for: .seconds(1))
        net.news = [:]
        net.watches["n2"] = PeerWatch(every: .milliseconds(100), missed: 4)
        net.start("n2", life: 2)
        net.run(for: .seconds(1))
        #expect(net.news["n1"] == [.down("n2"), .up("n2")])
        #expect(
            net.news["n2"] == [.up("n1"), .up("n3")] || net.news["n2"] == [.up("n3"), .up("n1")])
    }

    @Test func anotherCookieIsNotHeard() {
        var net = Net(cookies: ["n3": "other"])
        net.run(for: .seconds(2))
        #expect(net.connected("n1") == ["n2"] && net.connected("n3").isEmpty)
        #expect(net.news["n3", default: []].isEmpty)
    }
}
