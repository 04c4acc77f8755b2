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

        /// Starts processes until one has this number; false when somebody else has it, and keeps it.
        private static func start(
            as pid: Int32, _ start: () async throws -> Int32
        ) async throws -> Bool {
            for _ in 1...20 {
                try Self.giveNext(pid)
                if try await start() == pid { return true }
            }
            return false
        }

        /// Lets a process die whose number another one then gets, and tries that with another one where
        /// a third was faster.
        private static func reuse(_ attempt: () async throws -> Bool) async throws {
            for _ in 1...10 where try await attempt() { return }
            Issue.record("the numbers of ten dead processes went to others")
        }

        /// Says its number. Those who got another one than they should do it as well.
        private static let numbered = "s = dial(str(os.getpid())); rest()"

        /// The number of a process of n1 that was recognised and has ended.
        private static func deadNodesPID(_ bench: RecognitionBench) async throws -> Int32 {
            let process = try await bench.start("n1", "s = dial('n1'); rest()")
            #expect(try await bench.opener(saying: "n1") == .node("n1"))
            try await bench.host.send(.kill, to: process)
            _ = await process.exitStatus()
            return process.id.rawValue
        }

        @Test(arguments: [Way.ipv4, .unix])
        func aStrangerWithTheNumberOfANodesDeadProcessIsAClient(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                // Foundation starts a thread for its first process, and threads take numbers too.
                try bench.startOutside("rest()")
                try await Self.reuse {
                    let pid = try await Self.deadNodesPID(bench)
                    guard
                        try await Self.start(as: pid, { try bench.startOutside(Self.numbered) })
                    else { return false }
                    #expect(try await bench.opener(saying: "\(pid)") == .client)
                    return true
                }
            }
        }

        @Test(arguments: [Way.ipv4, .unix])
        func anotherNodesProcessWithThatNumberIsTheOtherNodes(_ way: Way) async throws {
            try await RecognitionBench.with(way) { bench in
                try await Self.reuse {
                    let pid = try await Self.deadNodesPID(bench)
                    let isReused = try await Self.start(as: pid) {
                        try await bench.start("n2", Self.numbered).id.rawValue
                    }
                    if !isReused { return false }
                    #expect(try await bench.opener(saying: "\(pid)") == .node("n2"))
                    return true
                }
            }
        }

        @Test func aHandleTellsNothingOfAnotherProcessWithItsNumber() async throws {
            func sleeper() throws -> Process {
                let process = Process()
                process.executableURL = URL(filePath: "/bin/sleep")
                process.arguments = ["1000"]
                try process.run()
                return process
            }
            try await Self.reuse {
                let first = try sleeper()
                let pid = first.processIdentifier
                let handle = try #require(ProcessHandle(pid: pid))
                let started = try #require(handle.status?.started)
                #expect(handle.exists && handle.children == [])
                kill(pid, SIGKILL)
                first.waitUntilExit()
                var others: [Process] = []
                defer {
                    for other in others { kill(other.processIdentifier, SIGKILL) }
                    for other in others { other.waitUntilExit() }
                }
                let isReused = try await Self.start(as: pid) {
                    others.append(try sleeper())
                    return others.last?.processIdentifier ?? 0
                }
                if !isReused { return false }
                #expect(!handle.exists)
                #expect(handle.status == nil)
                #expect(handle.children == [])
                #expect(!handle.visitSockets { _, _ in true })
                let second = try #require(ProcessHandle(pid: pid)?.status?.started)
                #expect(second >= started)
                return true
            }
        }
    }
#endif
