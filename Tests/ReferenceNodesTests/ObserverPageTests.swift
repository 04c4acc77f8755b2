import ChaosCore
import Foundation
import NodeKit
import ReferenceNodes
import Synchronization
import Testing

/// The observer's page of a running node, as somebody sees it who has a browser.
@Suite("The observer's page", .serialized, .timeLimit(.minutes(2)))
struct ObserverPageTests {
    /// A cluster of two nodes; the first one has the page.
    private struct Cluster {
        let nodes: [TCPNode]
        let page: String

        static func start() async throws -> Cluster {
            let nodes = [
                try await TCPNode.listen(host: "127.0.0.1", port: 0),
                try await TCPNode.listen(host: "127.0.0.1", port: 0),
            ]
            let address = Mutex("")
            let variant = try ReferenceSystem.named("observer").variant(named: nil)
            for (index, node) in nodes.enumerated() {
                let other = nodes[1 - index]
                try await node.run(
                    variant.makeNode(), id: "n\(index + 1)",
                    peers: PeerList([("n\(2 - index)", other.host, other.port)]),
                    http: index == 0 ? ("127.0.0.1", 0) : nil,
                    log: { sentence in
                        let word = sentence.split(separator: " ").last.map(String.init) ?? ""
                        if sentence.hasPrefix("takes HTTP") { address.withLock { $0 = word } }
                    })
            }
            return Cluster(nodes: nodes, page: "http://" + address.withLock { $0 })
        }

        func stop() async { for node in self.nodes { await node.stop() } }
    }

    private func withPage(_ body: (Cluster, Chromium) async throws -> Void) async throws {
        let cluster = try await Cluster.start()
        do { try await body(cluster, try Chromium(cluster.page)) } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    /// Everything that is shown changes while somebody looks, and nobody loads the page again.
    @Test func showsWhatHappens() async throws {
        try await self.withPage { cluster, page in
            func process(_ name: String) -> String {
                "document.querySelector('[data-name=\(name)]')"
            }
            try page.wait(until: "document.querySelectorAll('.process').length === 9")
            #expect(try page.evaluate("document.title") == "n1: processes")
            #expect(try page.evaluate("location.pathname") == "/observer")
            try page.wait(until: "document.querySelectorAll('.node.up').length === 2")
            try page.wait(until: "document.querySelector('#age.live')")
            let names = try page.evaluate(
                "[...document.querySelectorAll('.name')].map(name => name.textContent).join(' ')")
            #expect(
                names
                    == "root service repository connection1 connection2 telemetry endpoint watching observer"
            )

            // Whoever is killed comes back as another one.
            let before = try page.evaluate("\(process("connection2")).dataset.pid")
            try page.evaluate("\(process("connection2")).querySelector('.kill').click()")
            try page.wait(until: "\(process("connection2")).innerText.includes('↻ 1')")
            #expect(try page.evaluate("\(process("connection2")).dataset.pid") != before)
            try page.wait(until: "at('events').innerText.includes('connection2 ended')")
            try page.wait(until: "at('events').innerText.includes('connection2 started')")

            // Whoever stands still is seen to, and so is the mail that waits for him.
            try page.evaluate("\(process("connection1")).querySelector('.hold').click()")
            try page.wait(until: "\(process("connection1")).matches('.silent')")
            try page.wait(until: "/[1-9] in mailbox/.test(\(process("connection1")).innerText)")
            #expect(try page.evaluate("document.querySelectorAll('.silent').length") == 1)
            try page.evaluate("\(process("connection1")).querySelector('.hold').click()")
            try page.wait(until: "!\(process("connection1")).matches('.silent')")
            try page.wait(until: "\(process("connection1")).innerText.includes('0 in mailbox')")

            // A node that is not heard is unknown, and a page that is not answered says so.
            await cluster.nodes[1].stop()
            try page.wait(
                until: "document.querySelector('.node.unknown')?.innerText.includes('n2')")
            await cluster.nodes[0].stop()
            try page.wait(until: "document.querySelector('#age.old')")
        }
    }
}
