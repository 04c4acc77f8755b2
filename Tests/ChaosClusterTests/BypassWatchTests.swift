#if os(Linux)
    import ChaosCluster
    import ChaosCore
    import ChaosScenario
    import Foundation
    import Testing

    @Suite("Bypass watch", .enabled(if: BypassWatch.canTell))
    struct BypassWatchTests {
        @Test func aNodeThatDialsAnotherPastItsProxyIsNamedOnceWithWhatItShouldDial() async throws {
            try await BypassBench.with { bench in
                let there = bench.listen("n2")
                try await bench.talk("n2", ["listen"] + there)
                try await bench.talk("n1", ["dial"] + there, ["dial"] + there)
                let address = there.joined(separator: ":")
                let proxy = bench.proxy(of: "n2", seenBy: "n1").joined(separator: ":")
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled \(address) directly"
                    ])
                let bypass = try #require(bench.found.all.first)
                #expect(bypass.port == "main")
                #expect(
                    bypass.description == """
                        n1 talks to n2 past chaos: it dialled \(address) directly
                        hint: n1 sees it at \(proxy): give nodes {peers}, not {listen} addresses
                        """)
            }
        }

        @Test func whatGoesThroughAProxyAndWhatANodeTellsItselfIsNoLeak() async throws {
            try await BypassBench.with { bench in
                let route = bench.route(from: "n1", to: "n2")
                let there = bench.listen("n2")
                let proxy = try OwnSocket(listeningAt: BypassBench.words(route.listen))
                let last = [there[0], "9998"]
                try await bench.talk(
                    "n2", ["listen"] + there, ["dial"] + there, ["listen"] + last)
                try await bench.talk("n1", ["dial"] + BypassBench.words(route.listen))
                try await proxy.waitForConnection()
                // Once n2 listens there too, it has dialled itself.
                let selfDialled = try await OwnSocket(dialling: last)
                let leg = try await OwnSocket(dialling: there, from: route.source)
                let readiness = try await OwnSocket(dialling: there)
                // What the watch does see: by then it has seen all of the above.
                try await bench.talk("n3", ["dial"] + there)
                let address = there.joined(separator: ":")
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n3 talks to n2 past chaos: it dialled \(address) directly"
                    ])
                withExtendedLifetime((proxy, selfDialled, leg, readiness)) {}
            }
        }

        @Test func aProgramOutsideTheClusterIsNamedAsClientWithItsProcess() async throws {
            try await BypassBench.with { bench in
                let there = bench.listen("n2")
                try await bench.talk("n2", ["listen"] + there)
                let outsider = Process()
                outsider.executableURL = URL(filePath: try probePath())
                outsider.arguments = ["talk", "dial"] + there
                outsider.standardOutput = FileHandle.nullDevice
                try outsider.run()
                let sentences = await bench.sentences(atLeast: 1)
                // Not SIGTERM: it inherits the mask of a thread that blocks nearly everything.
                kill(outsider.processIdentifier, SIGKILL)
                outsider.waitUntilExit()
                #expect(
                    sentences == [
                        "client talks to n2 past chaos: guardian-probe (process "
                            + "\(outsider.processIdentifier)) dialled "
                            + "\(there.joined(separator: ":")) directly"
                    ])
                let proxy = bench.proxy(of: "n2", seenBy: .client).joined(separator: ":")
                #expect(
                    bench.found.all.first?.hint
                        == "clients see it at \(proxy), which is {advertise}")
            }
        }

        @Test func aDaemonWithAnotherEnvironmentStillBelongsToItsNode() async throws {
            try await BypassBench.with { bench in
                let there = bench.listen("n2")
                try await bench.talk("n2", ["listen"] + there)
                let dial = [try probePath(), "talk", "dial"] + there
                try await bench.start(
                    "n1",
                    ["sh", "-c", "setsid env -i \(dial.joined(separator: " ")) & sleep 1000"])
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled \(there.joined(separator: ":")) "
                            + "directly"
                    ])
            }
        }

        @Test(arguments: ["127.0.0.1", "::1"])
        func inAddressingPortsTheSocketsOwnerTellsProxiesFromNodes(host: String) async throws {
            try await BypassBench.with(ports: host) { bench in
                let there = bench.listen("n2")
                try await bench.talk("n2", ["listen"] + there)
                let isIPv4 = host == "127.0.0.1"
                let leg = isIPv4 ? try await OwnSocket(dialling: there) : nil
                try await bench.talk("n1", ["dial"] + there)
                let address = bench.plan.listen("n2", "main")!
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled \(address) directly"
                    ])
                withExtendedLifetime(leg) {}
            }
        }

        @Test(arguments: ["0.0.0.0", "::"])
        func aNodeThatListensEverywhereIsFoundAtEveryAddress(everywhere: String) async throws {
            try await BypassBench.with(ports: "127.0.0.1") { bench in
                let port = bench.listen("n2")[1]
                try await bench.talk("n2", ["listen", everywhere, port])
                try await bench.talk("n1", ["dial", "127.9.9.9", port])
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled 127.9.9.9:\(port) directly"
                    ])
                #expect(bench.found.all.first?.port == "main")
            }
        }

        @Test func anUndeclaredPortBetweenNodesIsALeakToo() async throws {
            try await BypassBench.with { bench in
                // Nobody else in the network of this run listens at n2's address.
                let address = bench.listen("n2")[0]
                try await bench.talk("n2", ["listen", address, "9999"])
                try await bench.talk("n1", ["dial", address, "9999"])
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled \(address):9999 directly"
                    ])
                #expect(
                    bench.found.all.first?.hint
                        == "declare this port under 'ports' of n2, so that it has links")
            }
        }

        @Test func aUnixSocketOfAnotherNodeIsFoundToo() async throws {
            try await BypassBench.with(ports: "127.0.0.1", transport: .unix) { bench in
                guard case .unix(let path)? = bench.plan.listen("n2", "main") else {
                    Issue.record("n2 listens at a path")
                    return
                }
                let undeclared = path + ".more"
                let listener = """
                    import signal, socket, sys
                    kept = []
                    for path in sys.argv[1:]:
                        s = socket.socket(socket.AF_UNIX)
                        s.bind(path)
                        s.listen()
                        kept.append(s)
                    while True: kept.append(kept[len(kept) % (len(sys.argv) - 1)].accept())
                    """
                let dialer = """
                    import signal, socket, sys, time
                    kept = []
                    for path in sys.argv[1:]:
                        s = socket.socket(socket.AF_UNIX)
                        while s.connect_ex(path): time.sleep(0.01)
                        kept.append(s)
                    while True: signal.pause()
                    """
                try await bench.start("n2", ["python3", "-c", listener, path, undeclared])
                try await bench.start("n1", ["python3", "-c", dialer, path, undeclared])
                let sentences = await bench.sentences(atLeast: 2)
                #expect(
                    sentences == [
                        "n1 talks to n2 past chaos: it dialled unix:\(path) directly",
                        "n1 talks to n2 past chaos: it dialled unix:\(undeclared) directly",
                    ])
                #expect(Set(bench.found.all.map(\.port)) == ["main", nil])
            }
        }

        /// Of UDP sockets only those show whom they send to that are connected.
        @Test func aConnectedUDPSocketThatFacesAnotherNodeIsFoundToo() async throws {
            try await BypassBench.with(transport: .udp) { bench in
                let program = """
                    import signal, socket, sys
                    own, others = sys.argv[1].rsplit(":", 1), sys.argv[2:]
                    kept = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
                    kept[0].bind((own[0], int(own[1])))
                    for other in others:
                        host, port = other.rsplit(":", 1)
                        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        s.connect((host, int(port)))
                        kept.append(s)
                    while True: signal.pause()
                    """
                func place(_ node: NodeName) -> String { bench.listen(node).joined(separator: ":") }
                let proxied = bench.route(from: "n3", to: "n2").listen.description
                try await bench.start("n2", ["python3", "-c", program, place("n2")])
                // Through its proxy, and to itself, nobody goes past anything.
                try await bench.start(
                    "n3", ["python3", "-c", program, place("n3"), proxied, place("n3")])
                try await bench.start("n1", ["python3", "-c", program, place("n1"), place("n2")])
                #expect(
                    await bench.sentences(atLeast: 1) == [
                        "n1 talks to n2 past chaos: it dialled \(place("n2")) directly"
                    ])
                #expect(bench.found.all.map(\.port) == ["main"])
            }
        }

        @Test func afterTheWatchHasStoppedNothingIsReported() async throws {
            try await BypassBench.with { bench in
                let there = bench.listen("n2")
                try await bench.talk("n2", ["listen"] + there)
                try await bench.talk("n1", ["dial"] + there)
                #expect(await eventually { bench.found.all.count == 1 })
                await bench.watch.stop()
                try await bench.talk("n3", ["dial"] + there)
                await bench.watch.stop()
                #expect(bench.found.all.map(\.dialer) == ["n1"])
            }
        }
    }
#endif
