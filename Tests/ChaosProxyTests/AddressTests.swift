import ChaosCore
import ChaosEngine
import Foundation
import Testing

@testable import ChaosProxy

@Suite("Addresses on either side")
struct AddressTests {
    enum Family: CaseIterable {
        case v4, v6, unix

        func place(_ name: String, in world: TestWorld) -> Endpoint {
            switch self {
            case .v4: world.anyPort
            case .v6: .tcp(host: "::1", port: 0)
            case .unix: world.path(name)
            }
        }
    }

    /// Where the proxy listens, and where its target does.
    struct Families: CustomTestStringConvertible {
        let listen: Family
        let upstream: Family

        static let all = Family.allCases.flatMap { listen in
            Family.allCases.map { Families(listen: listen, upstream: $0) }
        }

        var testDescription: String { "\(self.listen) to \(self.upstream)" }
    }

    @Test(arguments: everyDriver, Families.all)
    func bytesAndEndsGoBetween(on driver: TestDriver, _ families: Families) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listen, upstream) = (families.listen, families.upstream)
            let target = upstream.place("target", in: world)
            let listener = try TestSocket.listen(on: target)
            let proxied = try world.link(
                to: upstream == .unix ? target : listener.local,
                listen: listen.place("proxied", in: world))
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try opener.send("request")
            opener.shutdownWriting()
            #expect(try accepted.receiveAll() == Array("request".utf8))
            try accepted.send("reply")
            accepted.close()
            #expect(try opener.receiveAll() == Array("reply".utf8))
            opener.close()
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver, Families.all)
    func bytesBeforeAFullCloseArrive(on driver: TestDriver, _ families: Families) async throws {
        try await TestWorld.run(on: driver) { world in
            let (listen, upstream) = (families.listen, families.upstream)
            let target = upstream.place("target", in: world)
            let listener = try TestSocket.listen(on: target)
            let proxied = try world.link(
                to: upstream == .unix ? target : listener.local,
                listen: listen.place("proxied", in: world))
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            try opener.send("last words")
            opener.close()
            #expect(try accepted.receiveAll() == Array("last words".utf8))
            // Whoever writes to somebody gone is told so, and then nothing is left.
            try world.eventually("the writer is told") {
                do { try accepted.send("more") } catch { return true }
                return false
            }
            try world.expectAllClosed()
        }
    }

    @Test(arguments: everyDriver)
    func theTargetSeesItsPeerAtTheAddressItWouldDial(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let listener = try TestSocket.listen(on: world.anyPort)
            let source = "127.98.2.1"
            let proxied = try world.link(to: listener.local, source: source)
            let opener = try TestSocket.connect(to: proxied)
            let accepted = try listener.accept()
            guard case .tcp(let host, _) = accepted.peer else { return }
            #expect(host == source)
            withExtendedLifetime(opener) {}
        }
    }

    @Test(arguments: everyDriver)
    func aTargetsNameIsLookedUp(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let listener = try TestSocket.listen(on: .tcp(host: "127.0.0.1", port: 0))
            guard case .tcp(_, let port) = listener.local else { return }
            let proxied = try world.link(to: .tcp(host: "localhost", port: port))
            let opener = try TestSocket.connect(to: proxied)
            try opener.send("hello")
            let accepted = try listener.accept()
            #expect(try accepted.receiveText(5) == "hello")
            try accepted.send("welcome")
            #expect(try opener.receiveText(7) == "welcome")
        }
    }

    @Test(arguments: everyDriver)
    func anAddressInUseIsNamedAndNothingStaysOpen(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let taken = try TestSocket.listen(on: world.anyPort)
            let free = try TestSocket.listen(on: world.anyPort)
            let freed = free.local
            free.close()
            let specs = [freed, taken.local].map {
                ProxiedLink(link: Link("n1", "n2", "p"), listen: $0, upstream: taken.local)
            }
            let error = #expect(throws: ProxyError.self) {
                try world.wait { try await $0.open(specs) }
            }
            #expect(
                error?.description
                    == "proxy n1->n2:p: cannot listen on \(taken.local): "
                    + "address already in use (errno 98)")
            // The first address is free again.
            _ = try TestSocket.listen(on: freed)
        }
    }

    @Test(arguments: everyDriver)
    func aSocketFileLeftByAKilledRunIsReplacedAndRemovedAtTheEnd(on driver: TestDriver)
        async throws
    {
        try await TestWorld.run(on: driver) { world in
            let target = try TestSocket.listen(on: world.anyPort)
            guard case .unix(let path) = world.path("left") else { return }
            try TestSocket.listen(on: .unix(path: path)).close()
            #expect(FileManager.default.fileExists(atPath: path))
            let proxied = try world.link(to: target.local, listen: .unix(path: path))
            let opener = try TestSocket.connect(to: proxied)
            opener.close()
            try world.wait { await $0.close() }
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test(arguments: everyDriver)
    func aLiveSocketFileIsNotTaken(on driver: TestDriver) async throws {
        try await TestWorld.run(on: driver) { world in
            let live = world.path("live")
            let listener = try TestSocket.listen(on: live)
            #expect(throws: ProxyError.self) {
                _ = try world.link(to: world.anyPort, listen: live)
            }
            _ = try TestSocket.connect(to: live)
            _ = try listener.accept()
        }
    }
}
