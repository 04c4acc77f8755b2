#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosProxy
    import ChaosSockets
    import Foundation
    import Testing

    @Suite("Recognition of nodes by their sockets")
    struct RecognitionTests {
        @Test(arguments: Way.allCases)
        func eachNodeIsRecognisedAndEverybodyElseIsAClient(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                for node in ["n1", "n2", "n3", "command"] {
                    try await bench.start(node, "s = dial('\(node)'); rest()")
                    let opener: Opener = node == "command" ? .client : .node(NodeName(node))
                    #expect(try await bench.next() == .init(tag: node, opener: opener))
                }
                try bench.startOutside("s = dial('outside'); rest()")
                #expect(try await bench.next() == .init(tag: "outside", opener: .client))
            }
        }

        @Test(arguments: Way.allCases)
        func whatANodeStartsBelongsToIt(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                try await bench.start(
                    "n2",
                    """
                    first = dial('parent')
                    if os.fork() == 0:
                        s = dial('child')
                        if os.fork() == 0:
                            s = dial('grandchild')
                            rest()
                        rest()
                    rest()
                    """)
                var seen: Set<RecognitionBench.Seen> = []
                for _ in 1...3 { seen.insert(try await bench.next()) }
                let tags = ["parent", "child", "grandchild"]
                #expect(seen == Set(tags.map { .init(tag: $0, opener: .node("n2")) }))
            }
        }

        @Test(arguments: Way.allCases)
        func aDaemonStaysItsNodes(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                // Its parents are gone, and its session is its own; its environment is the node's.
                try await bench.start(
                    "n3",
                    """
                    if os.fork(): rest()
                    os.setsid()
                    middle = os.getpid()
                    if os.fork(): os._exit(0)
                    while os.getppid() == middle: time.sleep(0.001)
                    s = dial('daemon')
                    rest()
                    """)
                #expect(try await bench.next() == .init(tag: "daemon", opener: .node("n3")))
            }
        }

        @Test func aNodeStartedWithoutItsMarkIsKnownByItsProcess() async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                // Programs such as redis-server write a title over their environment.
                try await bench.start("n1", "s = dial('bare'); rest()", isBare: true)
                #expect(try await bench.next() == .init(tag: "bare", opener: .node("n1")))
            }
        }

        @Test func aDaemonThatWasKnownStaysKnownWhenItHasLeftEverything() async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                try await bench.start(
                    "n1",
                    """
                    if os.fork(): rest()
                    middle = os.getpid()
                    if os.fork():
                        signal.sigwait([signal.SIGUSR1])
                        os._exit(0)
                    os.setsid()
                    s = dial('before')
                    s.recv(1)
                    os.kill(middle, signal.SIGUSR1)
                    while os.getppid() == middle: time.sleep(0.001)
                    t = dial('after')
                    rest()
                    """, isBare: true)
                let accepted = try await bench.accept()
                #expect(try await bench.recognise(accepted) == .node("n1"))
                write(accepted, "x", 1)
                #expect(try await bench.next() == .init(tag: "after", opener: .node("n1")))
                close(accepted)
            }
        }

        @Test(arguments: [Way.ipv4, .unix])
        func aProcessThatNothingTiesToItsNodeIsSaidToBeUnknown(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                // Left before anybody looked: parents gone, environment emptied, session its own.
                let script = bench.words("s = dial(str(os.getpid())); rest()")[2]
                try await bench.start(
                    "n1",
                    """
                    if os.fork(): rest()
                    os.setsid()
                    middle = os.getpid()
                    if os.fork(): os._exit(0)
                    while os.getppid() == middle: time.sleep(0.001)
                    os.execve(sys.executable, ['python3', '-c', r'''\(script)'''], {})
                    """)
                let seen = try await bench.next()
                #expect(
                    seen.opener
                        == .unknown(
                            "process \(seen.tag) has left its node: its parents are gone, and its "
                                + "environment and session are others"))
            }
        }

        @Test(arguments: Way.allCases)
        func aNodeThatStartsAgainIsTheSameNode(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                for round in 1...3 {
                    let process = try await bench.start("n1", "s = dial('\(round)'); rest()")
                    #expect(
                        try await bench.next() == .init(tag: "\(round)", opener: .node("n1")))
                    try await bench.host.send(.kill, to: process)
                    _ = await process.exitStatus()
                }
            }
        }

        @Test(arguments: Way.allCases)
        func whoIsGoneBeforeItIsLookedAtIsSaidToBeGone(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                let process = try await bench.start("n1", "dial('gone')")
                let accepted = try await bench.accept()
                _ = await process.exitStatus()
                #expect(
                    try await bench.recognise(accepted)
                        == .unknown("whoever opened it had closed it before it was looked at"))
                close(accepted)
            }
        }

        @Test func aDescriptorThatIsPassedOnBelongsToWhoeverHasIt() async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                var ends: [Int32] = [-1, -1]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
                try await bench.start(
                    "n1",
                    """
                    s = dial('passed')
                    us = socket.socket(fileno=0)
                    socket.send_fds(us, [b'x'], [s.fileno()])
                    s.close()
                    us.sendall(b'y')
                    rest()
                    """, input: ends[0])
                try await bench.start(
                    "n2",
                    """
                    us = socket.socket(fileno=0)
                    data, fds, flags, address = socket.recv_fds(us, 1, 1)
                    us.recv(1)
                    t = dial('received')
                    rest()
                    """, input: ends[1])
                close(ends[0])
                close(ends[1])
                let passed = try await bench.accept()
                // By now n1 has closed it.
                #expect(try await bench.next() == .init(tag: "received", opener: .node("n2")))
                #expect(try await bench.recognise(passed) == .node("n2"))
                close(passed)
            }
        }

        @Test(arguments: [Way.ipv4, .ipv6, .unix])
        func twoThousandConnectionsAtOnceAreAllTold(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                func script(_ tag: String, processes: Int, connections: Int) -> String {
                    """
                    import resource
                    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
                    sys.stdin.read(1)
                    for _ in range(\(processes - 1)):
                        if os.fork() == 0: break
                    kept = [dial('\(tag)') for _ in range(\(connections))]
                    rest()
                    """
                }
                // All begin when the pipe is closed.
                var gate: [Int32] = [-1, -1]
                try #require(pipe(&gate) == 0)
                for end in gate { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
                for node in ["n1", "n2", "n3"] {
                    let text = script(node, processes: 4, connections: 125)
                    try await bench.start(node, text, input: gate[0])
                }
                try bench.startOutside(
                    script("client", processes: 1, connections: 500), input: gate[0])
                close(gate[0])
                close(gate[1])
                // All of them are accepted before the first question is asked.
                var accepted: [Int32] = []
                for _ in 0..<2000 { accepted.append(try await bench.accept()) }
                let seen = try await withThrowingTaskGroup(of: RecognitionBench.Seen.self) {
                    group in
                    for socket in accepted {
                        group.addTask {
                            let opener = try await bench.recognise(socket)
                            return .init(tag: RecognitionBench.line(socket), opener: opener)
                        }
                    }
                    return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
                }
                #expect(
                    seen == [
                        .init(tag: "n1", opener: .node("n1")): 500,
                        .init(tag: "n2", opener: .node("n2")): 500,
                        .init(tag: "n3", opener: .node("n3")): 500,
                        .init(tag: "client", opener: .client): 500,
                    ])
                for socket in accepted { close(socket) }
            }
        }
    }
#endif
