import ChaosToxiproxy
import Testing

@Suite("UDP proxies in the API")
struct DatagramProxyTests {
    private let api = Toxiproxy(plane: FakePlane(), version: "3.0.0")

    private func ask(
        _ method: String, _ target: String, _ body: String = ""
    ) async -> (status: Int, body: String) {
        let answer = await self.api.answer(
            ToxiproxyRequest(method, target, body: Array(body.utf8)))
        return (answer.status, answer.body.trimmingSuffix("\n"))
    }

    private func create(_ more: String = "") async -> (status: Int, body: String) {
        await self.ask(
            "POST", "/proxies",
            #"{"name":"dns","listen":"127.0.0.1:5353","upstream":"127.0.0.1:53"\#(more)}"#)
    }

    @Test func areShownAsSuch() async {
        let answer = await self.create(#","network":"UDP""#)
        #expect(answer.status == 201)
        #expect(
            answer.body
                == #"{"name":"dns","listen":"127.0.0.1:5353","upstream":"127.0.0.1:53","#
                + #""enabled":true,"Logger":{},"toxics":[],"network":"udp"}"#)
        // Nothing of the kind where nobody asked for it.
        _ = await self.ask("DELETE", "/proxies/dns")
        #expect(await self.create(#","network":"tcp""#).body.contains("network") == false)
    }

    @Test func knowNoOtherNetworks() async {
        #expect(
            await self.create(#","network":"sctp""#)
                == (
                    400,
                    #"{"error":"invalid network: must be tcp or udp, found 'sctp'","status":400}"#
                ))
    }

    @Test(arguments: [
        "slow_close", "reset_peer", "slicer", "limit_data", "accept_delay", "drop", "http",
    ])
    func refuseToxicsOfStreams(type: String) async {
        _ = await self.create(#","network":"udp""#)
        let answer = await self.ask("POST", "/proxies/dns/toxics", #"{"type":"\#(type)"}"#)
        #expect(answer.status == 400)
        #expect(
            answer.body.hasPrefix(
                #"{"error":"invalid toxic type: \#(type) is for streams; a udp proxy has latency, "#
            ))
        // The same toxic in the body of a proxy keeps the proxy from being made.
        _ = await self.ask("DELETE", "/proxies/dns")
        let whole = await self.create(#","network":"udp","toxics":[{"type":"\#(type)"}]"#)
        #expect(whole.status == 400)
        #expect(await self.ask("GET", "/proxies").body == "{}")
    }

    @Test(arguments: [
        "latency", "bandwidth", "timeout", "packet_loss", "noop", "delay", "loss", "corrupt",
        "down", "refuse", "duplicate", "reorder",
    ])
    func haveToxicsOfDatagrams(type: String) async {
        _ = await self.create(#","network":"udp""#)
        let answer = await self.ask("POST", "/proxies/dns/toxics", #"{"type":"\#(type)"}"#)
        #expect(answer.status == 200, "\(answer.body)")
    }

    @Test func keepTheirNetwork() async {
        _ = await self.create(#","network":"udp""#)
        let changed = await self.ask("PATCH", "/proxies/dns", #"{"network":"tcp"}"#)
        #expect(changed.status == 400)
        // Updates that do not name it leave it alone.
        let moved = await self.ask("PATCH", "/proxies/dns", #"{"upstream":"127.0.0.1:54"}"#)
        #expect(moved.status == 200 && moved.body.hasSuffix(#""network":"udp"}"#))
        // To populate is to make it so: another network is another proxy.
        let populated = await self.ask(
            "POST", "/populate",
            #"[{"name":"dns","listen":"127.0.0.1:5353","upstream":"127.0.0.1:54"}]"#)
        #expect(populated.status == 201 && !populated.body.contains("network"))
    }

    @Test func haveNoUnixSockets() async {
        let answer = await self.ask(
            "POST", "/proxies",
            #"{"name":"a","listen":"unix:/tmp/a","upstream":"127.0.0.1:53","network":"udp"}"#)
        #expect(
            answer == (
                400,
                #"{"error":"invalid address: a udp proxy has HOST:PORT, found 'unix:/tmp/a'","#
                    + #""status":400}"#
            ))
    }
}

extension String {
    /// The text without what it ends with.
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        self.hasSuffix(suffix) ? String(self.dropLast(suffix.count)) : self
    }
}
