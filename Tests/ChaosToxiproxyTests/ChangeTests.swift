import ChaosToxiproxy
import Testing

@Suite("Changes")
struct ChangeTests {
    private let plane = FakePlane()

    private func ask(
        _ api: Toxiproxy, _ method: String, _ target: String, _ body: String = "",
        userAgent: String? = nil
    ) async -> ToxiproxyResponse {
        await api.answer(
            ToxiproxyRequest(method, target, userAgent: userAgent, body: Array(body.utf8)))
    }

    private func makeAPI(persist: (@Sendable (String) async -> Void)? = nil) -> Toxiproxy {
        Toxiproxy(plane: self.plane, version: "3.0.0", persist: persist)
    }

    @Test("what only looks answers while a change is held up (upstream #558, #427)")
    func readsDoNotWait() async {
        let api = self.makeAPI()
        _ = await self.ask(
            api, "POST", "/proxies", #"{"name":"a","listen":"127.0.0.1:1000","upstream":"u:1"}"#)
        await self.plane.hold()
        async let slow = self.ask(
            api, "POST", "/proxies", #"{"name":"b","listen":"127.0.0.1:1001","upstream":"u:1"}"#)
        while await self.plane.holds == 0 { await Task.yield() }
        for target in ["/proxies", "/proxies/a", "/proxies/a/toxics", "/version"] {
            #expect(await self.ask(api, "GET", target).status == 200)
        }
        #expect(await self.ask(api, "GET", "/proxies/b").status == 404)
        await self.plane.release()
        #expect(await slow.status == 201)
    }

    @Test("changes are made one behind the other: of two with one name, one is refused")
    func changesAreSerial() async {
        let api = self.makeAPI()
        let body = #"{"name":"a","listen":"127.0.0.1:0","upstream":"u:1"}"#
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask { await self.ask(api, "POST", "/proxies", body).status }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.sorted() == [201] + [Int](repeating: 409, count: 19))
    }

    @Test(
        "a listen address that is taken leaves the proxy running where it was (updates are atomic)")
    func updatesAreAtomic() async {
        let api = self.makeAPI()
        await self.plane.take(6666)
        _ = await self.ask(
            api, "POST", "/proxies", #"{"name":"a","listen":"127.0.0.1:1000","upstream":"u:1"}"#)
        let before = await self.ask(api, "GET", "/proxies/a").body
        #expect(
            await self.ask(
                api, "PATCH", "/proxies/a", #"{"listen":"127.0.0.1:6666","upstream":"u:2"}"#
            ).status == 500)
        #expect(await self.ask(api, "GET", "/proxies/a").body == before)
        // Not even its connections were closed.
        #expect(await self.plane.log == ["open a 127.0.0.1:1000 -> u:1"])
    }

    @Test("an update of a toxic that is half wrong changes nothing of it")
    func toxicUpdatesAreAtomic() async {
        let api = self.makeAPI()
        _ = await self.ask(
            api, "POST", "/proxies", #"{"name":"a","listen":"127.0.0.1:1000","upstream":"u:1"}"#)
        _ = await self.ask(
            api, "POST", "/proxies/a/toxics",
            #"{"type":"latency","name":"l","attributes":{"latency":5}}"#)
        #expect(
            await self.ask(
                api, "PATCH", "/proxies/a/toxics/l",
                #"{"attributes":{"latency":9,"jitter":"x"},"toxicity":0.5}"#
            ).status == 400)
        #expect(
            await self.ask(api, "GET", "/proxies/a/toxics/l").body
                == #"{"attributes":{"latency":5,"jitter":0},"name":"l","type":"latency","#
                + #""stream":"downstream","toxicity":1}"#)
    }

    @Test("sockets learn of each change of toxics, in order")
    func appliesToxics() async {
        let api = self.makeAPI()
        _ = await self.ask(
            api, "POST", "/proxies",
            #"{"name":"a","listen":"127.0.0.1:1000","upstream":"u:1","toxics":[{"type":"noop"}]}"#)
        _ = await self.ask(api, "POST", "/proxies/a/toxics", #"{"type":"noop","name":"x"}"#)
        _ = await self.ask(api, "PATCH", "/proxies/a/toxics/x", "{}")
        _ = await self.ask(api, "PATCH", "/proxies/a", #"{"upstream":"u:2"}"#)
        _ = await self.ask(api, "DELETE", "/proxies/a/toxics/noop_downstream")
        _ = await self.ask(api, "POST", "/reset")
        _ = await self.ask(api, "DELETE", "/proxies/a")
        #expect(
            await self.plane.log == [
                "open a 127.0.0.1:1000 -> u:1",
                #"apply a ["noop_downstream#0", "x#0"]"#,
                #"apply a ["noop_downstream#0", "x#1"]"#,
                "close a", "open a 127.0.0.1:1000 -> u:2",
                #"apply a ["x#1"]"#,
                "apply a []", "close a",
            ])
        #expect(await self.plane.open.isEmpty)
    }

    @Test("pages in browsers are refused, on paths that exist only")
    func refusesBrowsers() async {
        let api = self.makeAPI()
        let answer = await self.ask(api, "GET", "/proxies", userAgent: "Mozilla/5.0 (X11)")
        #expect(answer.status == 403)
        #expect(answer.body == "User agent not allowed\n")
        #expect(answer.isRouted)
        #expect(await self.ask(api, "GET", "/nope", userAgent: "Mozilla/5.0").status == 404)
        #expect(await self.ask(api, "PUT", "/proxies", userAgent: "Mozilla/5.0").status == 405)
        #expect(await self.ask(api, "GET", "/proxies", userAgent: "mozilla/5.0").status == 200)
    }

    @Test(
        "what was kept populates another one with the same proxies and toxics (upstream #447, #281)"
    )
    func stateRoundTrip() async {
        let kept = Kept()
        let api = self.makeAPI { await kept.keep($0) }
        _ = await self.ask(
            api, "POST", "/proxies", #"{"name":"a<b","listen":"127.0.0.1:1000","upstream":"u:1"}"#)
        _ = await self.ask(
            api, "POST", "/proxies/a%3Cb/toxics",
            #"{"type":"bandwidth","toxicity":0.25,"attributes":{"rate":7,"scope":"proxy"}}"#)
        _ = await self.ask(
            api, "POST", "/proxies",
            #"{"name":"off","listen":"junk","upstream":"u:2","enabled":false}"#)
        let other = Toxiproxy(plane: FakePlane(), version: "3.0.0")
        let populated = await other.populate(Array(await kept.text.utf8))
        #expect(populated.failure == nil)
        let proxies = await self.ask(api, "GET", "/proxies").body
        #expect(await self.ask(other, "GET", "/proxies").body == proxies)
        #expect(proxies.contains(#""scope":"proxy""#))
    }

    private actor Kept {
        var text = ""
        func keep(_ text: String) { self.text = text }
    }
}

extension ChangeTests {
    @Test(
        "a request that is not done at the limit says whether it goes on (upstream #558, #760)")
    func limit() async {
        let plane = FakePlane()
        let api = Toxiproxy(plane: plane, version: "3.0.0")
        func create(_ name: String, limit: @escaping @Sendable () async -> Void) async
            -> ToxiproxyResponse
        {
            let body = #"{"name":"\#(name)","listen":"127.0.0.1:0","upstream":"u:1"}"#
            return await api.answer(
                ToxiproxyRequest("POST", "/proxies", body: Array(body.utf8)), limit: limit)
        }
        await plane.hold()
        // The first one has begun when its limit passes, the second waits for it.
        let begun = await create("a") { while await plane.holds == 0 { await Task.yield() } }
        #expect(begun.status == 503)
        #expect(
            begun.body == #"{"error":"not done yet: the change takes longer than the limit for "#
                + #"answers, and goes on","status":503}"# + "\n")
        let waiting = await create("b") {
            while await api.changesWaiting == 0 { await Task.yield() }
        }
        #expect(waiting.status == 503)
        #expect(
            waiting.body == #"{"error":"not done: other changes took too long, and nothing was "#
                + #"changed; ask again","status":503}"# + "\n")
        // What only looks is answered whatever is under way.
        let looking = await api.answer(ToxiproxyRequest("GET", "/proxies")) {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        #expect(looking.status == 200)
        await plane.release()
        let last = await create("c") {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        #expect(last.status == 201)
        #expect(await api.proxies.map(\.name) == ["a", "c"])
    }
}
