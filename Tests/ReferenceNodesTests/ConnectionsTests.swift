import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// Nodes that connect to each other, in virtual time.
@Suite("Connections")
struct ConnectionsTests {
    private func mesh(
        _ variant: String, _ count: Int = 3, cookies: [String: String] = [:],
        hasMapper: Bool = false
    ) throws -> MeshSimulation {
        var variants = Dictionary(
            uniqueKeysWithValues: (1...count).map { ("n\($0)", variant) })
        if hasMapper { variants["mapper"] = "mapper" }
        return try MeshSimulation(variants, cookies: cookies)
    }

    @Test(arguments: ["ticks", "fin-only", "crossed", "registers-once", "takes-anybody"])
    func allAreLinkedByWayOfOthers(variant: String) throws {
        var mesh = try self.mesh(variant, 5, hasMapper: true)
        mesh.run(for: .seconds(1))
        for number in 1...4 {
            mesh.connect("n\(number)", to: "n\(number + 1)")
            mesh.run(for: .milliseconds(300))
        }
        for number in 1...5 {
            let others = (1...5).filter { $0 != number }.map { "n\($0)" }
            #expect(mesh.list("n\(number)") == others)
            #expect(mesh.news("n\(number)").sorted() == others.map { "up \($0)" })
        }
    }

    @Test func aNodeOfAnotherCookieIsRefused() throws {
        let cookies = ["n1": "gold", "n2": "silver"]
        var mesh = try self.mesh("ticks", 2, cookies: cookies)
        mesh.connect("n1", to: "n2")
        mesh.run(for: .seconds(1))
        #expect(mesh.answers["n1 error"]?["text"] == "another cookie")
        #expect(mesh.list("n1").isEmpty && mesh.list("n2").isEmpty)
        var open = try self.mesh("takes-anybody", 2, cookies: cookies)
        open.connect("n1", to: "n2")
        open.run(for: .seconds(1))
        #expect(open.list("n1") == ["n2"] && open.list("n2") == ["n1"])
    }

    @Test func whoFallsSilentIsGoneAfterFourTicks() throws {
        for (variant, isGone) in [("ticks", true), ("fin-only", false)] {
            var mesh = try self.mesh(variant)
            mesh.connect("n1", to: "n2")
            mesh.connect("n2", to: "n3")
            mesh.run(for: .seconds(1))
            mesh.silent = [["n1", "n2"], ["n1", "n3"]]
            mesh.run(for: .milliseconds(900))
            #expect(mesh.list("n1") == ["n2", "n3"])
            mesh.run(for: .milliseconds(400))
            #expect(mesh.list("n1") == (isGone ? [] : ["n2", "n3"]), "\(variant)")
            mesh.run(for: .seconds(60))
            #expect(mesh.list("n2") == (isGone ? ["n3"] : ["n1", "n3"]), "\(variant)")
            mesh.silent = []
            mesh.run(for: .seconds(1))
            mesh.connect("n1", to: "n2")
            mesh.run(for: .seconds(1))
            #expect(mesh.list("n1") == ["n2", "n3"])
            let told = isGone ? ["up n2", "up n3", "down n2 silent", "down n3 silent"] : []
            #expect(mesh.news("n1").starts(with: told))
        }
    }

    @Test func aPingOverASilentLinkIsAPangAndCostsHalfASecond() throws {
        var mesh = try self.mesh("fin-only", 2)
        mesh.ask("n1", ["type": "ping", "node": "n2"])
        mesh.run(for: .seconds(1))
        #expect(mesh.answers["n1 ping"]?["answer"] == "pong")
        mesh.silent = [["n1", "n2"]]
        mesh.ask("n1", ["type": "ping", "node": "n2"])
        mesh.run(for: .milliseconds(800))
        #expect(mesh.answers["n1 ping"]?["answer"] == "pang")
    }

    @Test func aDiedNodeIsGoneAtOnceAndComesBackAsAnother() throws {
        var mesh = try self.mesh("ticks", 2)
        mesh.connect("n1", to: "n2")
        mesh.run(for: .seconds(1))
        mesh.kill("n2")
        mesh.run(for: .milliseconds(10))
        #expect(mesh.list("n1").isEmpty)
        mesh.connect("n1", to: "n2")
        mesh.run(for: .milliseconds(10))
        #expect(mesh.answers["n1 error"]?["text"] == "connection refused")
        mesh.start("n2")
        mesh.connect("n2", to: "n1")
        mesh.run(for: .seconds(1))
        #expect(mesh.news("n1") == ["up n2", "down n2 closed", "up n2"])
    }

    /// Two dial each other, one a little later than the other, over ways of different lengths.
    @Test(arguments: [0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700])
    func ofTwoCrossedConnectionsBothKeepTheSame(offset: Int) throws {
        for there in [10, 100, 200, 300] {
            for (first, second) in [("n1", "n2"), ("n2", "n1")] {
                var mesh = try self.mesh("ticks", 2)
                mesh.latency = { from, _ in .milliseconds(from == "n1" ? there : 200) }
                mesh.connect(first, to: second)
                mesh.run(for: .milliseconds(offset))
                mesh.connect(second, to: first)
                mesh.run(for: .seconds(3))
                #expect(mesh.list("n1") == ["n2"] && mesh.list("n2") == ["n1"])
                #expect(mesh.answers["n1 connect"] != nil && mesh.answers["n2 connect"] != nil)
                // Whatever was closed meanwhile was not a link that anybody had been told of for good.
                #expect(mesh.news("n1").last == "up n2" && mesh.news("n2").last == "up n1")
            }
        }
    }

    @Test func ofTwoCrossedConnectionsNoneIsLeftWhereTheLastOneCounts() throws {
        for (variant, isLinked) in [("ticks", true), ("crossed", false)] {
            var mesh = try self.mesh(variant, 2)
            mesh.latency = { _, _ in .milliseconds(300) }
            mesh.connect("n1", to: "n2")
            mesh.connect("n2", to: "n1")
            mesh.run(for: .seconds(2))
            #expect(mesh.list("n1") == (isLinked ? ["n2"] : []))
            #expect(mesh.news("n1").count == (isLinked ? 1 : 4), "\(mesh.news("n1"))")
        }
    }

    @Test func withoutThePortMapperOldLinksLiveAndNewOnesFail() throws {
        for (variant, isRepaired) in [("ticks", true), ("registers-once", false)] {
            var mesh = try self.mesh(variant, hasMapper: true)
            mesh.run(for: .seconds(1))
            mesh.connect("n1", to: "n2")
            mesh.run(for: .milliseconds(100))
            mesh.kill("mapper")
            mesh.connect("n1", to: "n3")
            mesh.ask("n1", ["type": "ping", "node": "n2"])
            mesh.run(for: .milliseconds(100))
            #expect(mesh.answers["n1 ping"]?["answer"] == "pong")
            #expect(
                mesh.answers["n1 error"]?["text"] == "the port mapper: connection refused")
            mesh.start("mapper")
            mesh.run(for: .seconds(2))
            mesh.connect("n1", to: "n3")
            mesh.run(for: .milliseconds(100))
            #expect(mesh.list("n1") == (isRepaired ? ["n2", "n3"] : ["n2"]))
            if !isRepaired {
                #expect(mesh.answers["n1 error"]?["text"] == "the port mapper knows no 'n3'")
            }
        }
    }

    @Test func nobodyIsLeftWaiting() throws {
        var mesh = try self.mesh("ticks", 2)
        mesh.silent = [["n1", "n2"]]
        mesh.connect("n1", to: "n2")
        mesh.run(for: .seconds(2))
        #expect(mesh.answers["n1 error"]?["text"] == "no answer")
        mesh.connect("n1", to: "n9")
        mesh.run(for: .zero)
        #expect(mesh.answers["n1 error"]?["text"] == "there is no node 'n9'")
    }
}
