#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosProxy
    import ChaosSockets
    import Foundation
    import Testing

    /// Whether this process may choose the number that the next process gets (proc_sys_kernel(5)).
    private let mayChoosePIDs = {
        let last = "/proc/sys/kernel/ns_last_pid"
        guard let text = try? String(contentsOfFile: last, encoding: .utf8) else { return false }
        return (try? text.write(toFile: last, atomically: false, encoding: .utf8)) != nil
    }()

    @Suite("Recognition under reuse of process ids", .enabled(if: mayChoosePIDs))
    struct PIDReuseTests {
        /// Makes the kernel give a free number next. Other programs may be faster: who calls looks.
        private static func giveNext(_ pid: Int32) throws {
            let file = try FileHandle(
                forWritingTo: URL(filePath: "/proc/sys/kernel/ns_last_pid"))
            try file.write(contentsOf: Data("\(pid - 1)".utf8))
            try file.close()
        }

        /// Starts processes until one has this number.
        private static func start(
            as pid: Int32, _ start: () async throws -> Int32
        ) async throws {
            for _ in 1...50 {
                try Self.giveNext(pid)
                if try await start() == pid { return }
            }
            Issue.record("no process got the number \(pid)")
        }

        /// Says its number. Those who got another one than they should do it as well.
        private static let numbered = "s = dial(str(os.getpid())); rest()"

        @Test(arguments: [Way.ipv4, .unix])
        func aStrangerWithTheNumberOfANodesDeadProcessIsAClient(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                // Foundation starts a thread for its first process, and threads take numbers too.
                try bench.startOutside("rest()")
                let first = try await bench.start("n1", "s = dial('n1'); rest()")
                #expect(try await bench.next() == .init(tag: "n1", opener: .node("n1")))
                try await bench.host.send(.kill, to: first)
                _ = await first.exitStatus()
                let pid = first.id.rawValue
                try await Self.start(as: pid) { try bench.startOutside(Self.numbered) }
                #expect(try await bench.opener(saying: "\(pid)") == .client)
            }
        }

        @Test(arguments: [Way.ipv4, .unix])
        func anotherNodesProcessWithThatNumberIsTheOtherNodes(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                let first = try await bench.start("n1", "s = dial('n1'); rest()")
                #expect(try await bench.next() == .init(tag: "n1", opener: .node("n1")))
                try await bench.host.send(.kill, to: first)
                _ = await first.exitStatus()
                let pid = first.id.rawValue
                try await Self.start(as: pid) {
                    try await bench.start("n2", Self.numbered).id.rawValue
                }
                #expect(try await bench.opener(saying: "\(pid)") == .node("n2"))
            }
        }

        @Test func aHandleTellsNothingOfAnotherProcessWithItsNumber() async throws {
            let first = Process()
            first.executableURL = URL(filePath: "/bin/sleep")
            first.arguments = ["1000"]
            try first.run()
            let pid = first.processIdentifier
            let handle = try #require(ProcessHandle(pid: pid))
            let started = try #require(handle.status?.started)
            #expect(handle.exists && handle.children == [])
            kill(pid, SIGKILL)
            first.waitUntilExit()
            var others: [Process] = []
            try await Self.start(as: pid) {
                let next = Process()
                next.executableURL = URL(filePath: "/bin/sleep")
                next.arguments = ["1000"]
                try next.run()
                others.append(next)
                return next.processIdentifier
            }
            #expect(!handle.exists)
            #expect(handle.status == nil)
            #expect(handle.children == [])
            #expect(!handle.visitSockets { _, _ in true })
            let second = try #require(ProcessHandle(pid: pid)?.status?.started)
            #expect(second >= started)
            for other in others { kill(other.processIdentifier, SIGKILL) }
            for other in others { other.waitUntilExit() }
        }
    }
#endif
