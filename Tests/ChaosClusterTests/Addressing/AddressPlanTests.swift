import ChaosCluster
import ChaosCore
import ChaosScenario
import Foundation
import Testing

/// Gives 7001, 7002, … and remembers nothing.
struct CountingPorts: PortAllocator {
    var last: UInt16 = 7000

    mutating func next(
        on host: String, _ transport: PortSpec.Transport, avoiding taken: Set<UInt16>
    ) throws(InputError) -> UInt16 {
        repeat { self.last += 1 } while taken.contains(self.last)
        return self.last
    }
}

func plan(
    _ nodes: [(NodeName, [PortSpec])], style: AddressPlan.Style = .loopback(network: 77),
    hosts: [NodeName: String] = [:], sockets: String = "/run/x"
) throws(InputError) -> AddressPlan {
    var ports = CountingPorts()
    return try AddressPlan(
        nodes: nodes.map { (name: $0.0, ports: $0.1) }, style: style, hosts: hosts,
        socketDirectory: sockets, allocator: &ports)
}

@Suite("Address plan")
struct AddressPlanTests {
    private static let two = [PortSpec(name: "client"), PortSpec(name: "peer")]

    @Test func onLoopbackTheDialledAddressTellsViewerAndNode() throws {
        let plan = try plan([("n1", Self.two), ("n2", Self.two), ("n3", Self.two)])
        #expect(plan.listen("n2", "client")?.description == "127.77.2.2:7001")
        #expect(plan.listen("n2", "peer")?.description == "127.77.2.2:7002")
        #expect(plan.endpoint(of: "n2", "peer", seenBy: "n1")?.description == "127.77.1.2:7002")
        #expect(plan.endpoint(of: "n2", "peer", seenBy: .client)?.description == "127.77.0.2:7002")
        #expect(plan.endpoint(of: "n2", "peer", seenBy: "n2")?.description == "127.77.2.2:7002")
        #expect(plan.endpoint(of: "n2", "other", seenBy: "n1") == nil)
        #expect(plan.listen("n9", "client") == nil)
        let route = try #require(
            plan.routes.first { $0.viewer == "n3" && $0.node == "n1" && $0.port.name == "peer" })
        #expect(route.listen.description == "127.77.3.1:7002")
        #expect(route.upstream.description == "127.77.1.1:7002")
        #expect(route.source == "127.77.1.3")
        // What the node sees as its peer's address is where it would dial that peer.
        #expect(plan.endpoint(of: "n3", "peer", seenBy: "n1")?.description == "127.77.1.3:7002")
    }

    /// A node that has an address of its own is seen by others where it always was, over its own family.
    @Test func aNodeListensWhereItsScenarioSays() throws {
        let main = [PortSpec(name: "main")]
        let plan = try plan(
            [("n1", main), ("n2", main), ("n3", main)], hosts: ["n1": "127.0.1.1", "n3": "::1"])
        #expect(plan.listen("n1", "main")?.description == "127.0.1.1:7001")
        #expect(plan.endpoint(of: "n1", "main", seenBy: "n2")?.description == "127.77.2.1:7001")
        #expect(plan.source(to: "n1", for: "n2") == "127.77.1.2")
        #expect(plan.host(of: "n1") == "127.0.1.1")
        #expect(plan.host(of: "n2") == "127.77.2.2")
        let views = [NodeName.client, "n1", "n2"].compactMap {
            plan.endpoint(of: "n3", "main", seenBy: $0)?.description
        }
        #expect(Set(views).count == 3)
        #expect(views.allSatisfy { $0.hasPrefix("[::1]:") })
        #expect(plan.source(to: "n3", for: "n1") == nil)
        #expect(plan.routes.filter { $0.node == "n3" }.allSatisfy { $0.source == nil })
        #expect(
            plan.routes.filter { $0.node == "n1" }.map(\.source) == [
                "127.77.1.0", "127.77.1.2", "127.77.1.3",
            ])
    }

    @Test func routesCoverEveryViewerOnceInOrder() throws {
        let plan = try plan([("n1", Self.two), ("n2", [PortSpec(name: "client")])])
        let seen = plan.routes.map { "\($0.viewer)->\($0.node):\($0.port.name)" }
        #expect(
            seen == [
                "client->n1:client", "n2->n1:client", "client->n1:peer", "n2->n1:peer",
                "client->n2:client", "n1->n2:client",
            ])
    }

    @Test func twoHundredAndFiftyFourNodesFitAndOneMoreDoesNot() throws {
        let nodes = (1...254).map { (NodeName("n\($0)"), [PortSpec(name: "main")]) }
        let plan = try plan(nodes)
        let endpoints = plan.routes.map(\.listen) + nodes.map { plan.listen($0.0, "main")! }
        #expect(endpoints.count == 254 * 255)
        #expect(Set(endpoints).count == endpoints.count)
        #expect(
            plan.endpoint(of: "n254", "main", seenBy: "n253")?.description == "127.77.253.254:7001")
        let error = #expect(throws: InputError.self) {
            _ = try ChaosClusterTests.plan(nodes + [("n255", [PortSpec(name: "main")])])
        }
        #expect(error?.description == "nodes: a run has at most 254 nodes, found '255'")
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func inAddressingPortsEveryEndpointIsAPortOfItsOwn(host: String) throws {
        let plan = try plan([("n1", Self.two), ("n2", Self.two)], style: .ports(host: host))
        let all =
            plan.routes.map(\.listen)
            + [
                plan.listen("n1", "client"), plan.listen("n1", "peer"), plan.listen("n2", "client"),
                plan.listen("n2", "peer"),
            ].compactMap(\.self)
        #expect(all.count == 12)
        #expect(Set(all).count == 12)
        #expect(plan.routes.allSatisfy { $0.source == nil })
        #expect(plan.host(of: "n2") == host)
        #expect(
            plan.listen("n1", "client")?.description
                == (host == "::1" ? "[::1]:7001" : "127.0.0.1:7001"))
    }

    @Test func fixedNumbersAreKeptAndAutomaticOnesAvoidThem() throws {
        let plan = try plan([
            ("n1", [PortSpec(name: "client", number: 7001), PortSpec(name: "peer")]),
            ("n2", [PortSpec(name: "client", number: 7001), PortSpec(name: "peer")]),
        ])
        #expect(plan.listen("n1", "client")?.description == "127.77.1.1:7001")
        #expect(plan.listen("n2", "client")?.description == "127.77.2.2:7001")
        #expect(plan.listen("n2", "peer")?.description == "127.77.2.2:7002")
        #expect(
            plan.endpoint(of: "n2", "client", seenBy: "n1")?.description == "127.77.1.2:7001")
    }

    @Test func oneNumberForTwoPortsOfAnAddressIsRefused() {
        let error = #expect(throws: InputError.self) {
            _ = try plan([
                ("n1", [PortSpec(name: "a", number: 80), PortSpec(name: "b", number: 80)])
            ])
        }
        #expect(
            error?.description == """
                n1:b: a port of one address has one owner, but n1:a has this number as well, \
                found '80'
                hint: write 'auto' for one of them
                """)
        // On one host all nodes share the numbers.
        let shared = #expect(throws: InputError.self) {
            _ = try plan(
                [
                    ("n1", [PortSpec(name: "a", number: 80)]),
                    ("n2", [PortSpec(name: "a", number: 80)]),
                ],
                style: .ports(host: "127.0.0.1"))
        }
        #expect(shared?.sentence.hasPrefix("n2:a: a port of one address has one owner") == true)
        // TCP and UDP do not.
        #expect(throws: Never.self) {
            _ = try plan([
                (
                    "n1",
                    [
                        PortSpec(name: "a", number: 80),
                        PortSpec(name: "b", number: 80, transport: .udp),
                    ]
                )
            ])
        }
    }

    @Test func unixPortsHaveASocketPerViewer() throws {
        let port = PortSpec(name: "main", transport: .unix)
        let plan = try plan([("n1", [port]), ("n2", [port])])
        #expect(plan.listen("n1", "main") == .unix(path: "/run/x/n1.main.sock"))
        #expect(
            plan.endpoint(of: "n1", "main", seenBy: "n2")
                == .unix(path: "/run/x/n2-to-n1.main.sock"))
        #expect(
            plan.endpoint(of: "n1", "main", seenBy: .client)
                == .unix(path: "/run/x/client-to-n1.main.sock"))
        let deep = "/" + String(repeating: "d", count: 80)
        let longest = AddressPlan.longestSocketName(nodes: [("n1", [port]), ("n2", [])])
        #expect(longest == "client-to-n1.main.sock".utf8.count)
        #expect(AddressPlan.longestSocketName(nodes: [("n1", [PortSpec(name: "main")])]) == 0)
        let error = #expect(throws: InputError.self) {
            _ = try ChaosClusterTests.plan([("n1", [port])], sockets: deep)
        }
        #expect(
            error?.description == """
                a socket's path has at most \(SocketPath.limit) bytes, \
                found '\(deep)/client-to-n1.main.sock'
                hint: shorter names of nodes and ports help
                """)
    }

    @Test func freePortsOnASharedHostAreDistinctAndHeldUntilReleased() throws {
        let ports = FreePorts(style: .ports(host: "127.0.0.1"))
        var numbers: Set<UInt16> = []
        for _ in 0..<50 {
            numbers.insert(try ports.next(on: "127.0.0.1", .tcp, avoiding: []))
        }
        #expect(numbers.count == 50)
        let one = try #require(numbers.first)
        #expect(!canBind("127.0.0.1", one) && !canBind("127.0.0.1", one, isShared: true))
        ports.release()
        #expect(canBind("127.0.0.1", one, isShared: true))
    }

    /// As a child has them that is just being started.
    @Test func copiesOfReleasedSocketsAreInNoServersWay() throws {
        let ports = FreePorts(style: .ports(host: "127.0.0.1"))
        let number = try ports.next(on: "127.0.0.1", .tcp, avoiding: [])
        let copies = (0..<Int32(1024)).filter { boundPort(of: $0) == number }.map { dup($0) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        ports.release()
        #expect(copies.allSatisfy { boundPort(of: $0) == number })
        #expect(!canBind("127.0.0.1", number) && canBind("127.0.0.1", number, isShared: true))
    }

    #if os(Linux)
        @Test func aNetworkIsLeasedToOneRunAtATime() throws {
            var first: LoopbackLease? = try LoopbackLease()
            let second = try LoopbackLease()
            let network = try #require(first?.network)
            #expect((77...126).contains(network))
            #expect(second.network != network)
            first = nil
            // Other tests lease networks as well, so that this one may be gone again at once.
            let third = try LoopbackLease()
            #expect(third.network != second.network)
        }

        @Test func onAnOwnNetworkNumbersCountUpPastTakenOnes() throws {
            let lease = try LoopbackLease()
            let ports = FreePorts(style: .loopback(network: lease.network))
            let host = "127.\(lease.network).1.1"
            let blocker = FreePorts(style: .loopback(network: lease.network))
            let taken = try blocker.next(on: host, .tcp, avoiding: [])
            let number = try ports.next(on: host, .tcp, avoiding: [taken + 1])
            #expect(number >= taken + 2)
        }
    #endif
}

/// Whether a socket can be bound there; a shared one with SO_REUSEADDR, as servers set it.
func canBind(_ host: String, _ port: UInt16, isShared: Bool = false) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var option: Int32 = isShared ? 1 : 0
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &option, socklen_t(MemoryLayout<Int32>.size))
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

/// The port to which a descriptor is bound, if it is a socket of IPv4.
private func boundPort(of descriptor: Int32) -> UInt16? {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            getsockname(descriptor, $0, &size)
        }
    }
    if result != 0 || address.sin_family != sa_family_t(AF_INET) { return nil }
    return UInt16(bigEndian: address.sin_port)
}
