import ChaosCore
import NodeKit
import Testing

/// S12 and S13 in virtual time, with the statuses and texts of the course.
@Suite("The link shortener in virtual time")
struct LinkShortenerTests {
    private func cluster(_ variant: String, nodes: Int = 2) throws -> ClusterSimulation {
        try ClusterSimulation("link-shortener", variant, nodes: nodes)
    }

    @Test func linksAreMadeAndFollowed() throws {
        var cluster = try self.cluster("read-through")
        let url = "https://elixiroutlaws.com"
        #expect(cluster.shorten(url, on: "n1") == .init(status: 201, body: "m9HS_w"))
        #expect(cluster.follow("m9HS_w", on: "n2") == .init(status: 302, body: url))
        #expect(cluster.follow("nothing", on: "n2") == .init(status: 404, body: "Not Found"))
        #expect(cluster.views(of: "m9HS_w") == ["Redirects: 1", "Redirects: 1"])
        #expect(cluster.shorten("", on: "n1")?.status == 400)
        #expect(cluster.shorten(url, as: "a/b", on: "n1")?.status == 400)
        let oops = cluster.ask("n1", HTTPRequest.body("DELETE", "/x"))
        #expect(oops?["status"] == 404 && oops?["body"] == "oops")
    }

    @Test func margarinesCodesAreThoseOfMD5() throws {
        var cluster = try self.cluster("md5")
        #expect(cluster.shorten("https://keathley.io", on: "n1")?.body == "3ioDAw")
    }

    /// L2 and L3: the second one is refused, and nothing of it is seen.
    @Test(arguments: [("read-through", "https://a/"), ("cache-first", "https://b/")])
    func aCodeBelongsToTheFirst(_ variant: String, seen: String) throws {
        var cluster = try self.cluster(variant)
        #expect(cluster.shorten("https://a/", as: "x", on: "n1")?.status == 201)
        let second = cluster.shorten("https://b/", as: "x", on: "n1")
        #expect(second == .init(status: 422, body: "Unable to shorten https://b/"))
        #expect(cluster.follow("x", on: "n1")?.body == seen)
    }

    /// L5.
    @Test(arguments: [("read-through", Int64(201)), ("refuses-again", 422)])
    func theSameLinkAgain(_ variant: String, status: Int64) throws {
        var cluster = try self.cluster(variant)
        cluster.shorten("https://a/", as: "x", on: "n1")
        #expect(cluster.shorten("https://a/", as: "x", on: "n2")?.status == status)
    }

    /// L1: two URLs of one hash both lead where they should, or the second is acknowledged and was never stored.
    @Test(arguments: [("read-through", true), ("acks-taken", false)])
    func collidingHashes(_ variant: String, isRight: Bool) throws {
        var cluster = try self.cluster(variant)
        let urls = ["https://example.com/54605", "https://example.com/69454"]
        let codes = urls.map { cluster.shorten($0, on: "n1")?.body ?? "" }
        #expect(codes[0] == "6GKUHg")
        #expect((codes[1] != "6GKUHg") == isRight)
        #expect((cluster.follow(codes[1], on: "n2")?.body == urls[1]) == isRight)
    }

    /// L4.
    @Test func nothingIsTakenForALink() throws {
        var cluster = try self.cluster("nil-is-found")
        #expect(cluster.follow("nobody", on: "n1") == .init(status: 302, body: ""))
    }

    /// What was not there a moment ago may be there now.
    @Test(arguments: [("read-through", Int64(302)), ("negative-cache", 404)])
    func absencesAreForgotten(_ variant: String, status: Int64) throws {
        var cluster = try self.cluster(variant)
        #expect(cluster.follow("x", on: "n2")?.status == 404)
        cluster.shorten("https://a/", as: "x", on: "n1")
        cluster.run(for: .seconds(1))
        #expect(cluster.follow("x", on: "n2")?.status == status)
    }

    @Test(arguments: [("read-through", Int64(302)), ("no-cache", 503)])
    func withoutRedis(_ variant: String, status: Int64) throws {
        var cluster = try self.cluster(variant)
        cluster.shorten("https://a/", as: "x", on: "n1")
        cluster.follow("x", on: "n2")
        cluster.partition(["n1", "n2"], ["redis"])
        #expect(cluster.follow("x", on: "n2")?.status == status)
        // Nobody knows what becomes of a new link.
        #expect(cluster.shorten("https://b/", on: "n1")?.status == 503)
    }

    /// A storm of visitors asks Redis once (single flight), and once for what is not there.
    @Test(arguments: [("read-through", 1), ("no-cache", 50)])
    func aStormOfVisitors(_ variant: String, questions: Int) throws {
        var cluster = try self.cluster(variant)
        cluster.shorten("https://a/", as: "x", on: "n1")
        cluster.latency = .milliseconds(20)...(.milliseconds(20))
        let before = cluster.commandCount("GET")
        for index in 0..<50 {
            cluster.request("n2", HTTPRequest.body("GET", "/x"), from: "c\(index + 10)")
        }
        cluster.run(for: .milliseconds(200))
        #expect(cluster.commandCount("GET") - before == questions)
        #expect(cluster.replies.values.count { $0["status"] == 302 } == 50)
    }
}
