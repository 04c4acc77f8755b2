#if os(Linux) && Netlink
    import ChaosCluster
    import ChaosCore
    import ChaosProxy
    import ChaosSockets
    import Foundation
    import Testing

    // Numbers, not assertions: they run when they are asked for.
    //   CHAOS_MEASURE=1 swift test --filter RecognitionMeasurements

    @Suite(
        "Recognition measurements",
        .enabled(if: ProcessInfo.processInfo.environment["CHAOS_MEASURE"] != nil))
    struct RecognitionMeasurements {
        /// Accepts so many connections, asks about all of them at once, and prints how long that took.
        private static func measure(
            _ what: String, _ bench: RecognitionBench, count: Int, expected: Opener
        ) async throws {
            var sockets: [Int32] = []
            for _ in 0..<count { sockets.append(try await bench.accept()) }
            var times: [Duration] = []
            for _ in 0..<7 {
                let begin = ContinuousClock.now
                let wrong = await withTaskGroup(of: Bool.self) { group in
                    for socket in sockets {
                        group.addTask {
                            (try? await bench.recognise(socket)) == expected
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 0 : 1) }
                }
                #expect(wrong == 0)
                times.append(ContinuousClock.now - begin)
            }
            for socket in sockets { close(socket) }
            let first = times[0] / .microseconds(1)
            let median = times.sorted()[3] / .microseconds(1)
            print(
                "\(what): \(count) pending: first \(Int(first)) µs, median \(Int(median)) µs, "
                    + "each \((median / Double(count) * 10).rounded() / 10) µs")
        }

        private static func dialling(_ count: Int, besides idle: Int = 0) -> String {
            """
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
            idle = [socket.socket() for _ in range(\(idle))]
            kept = [dial('x') for _ in range(\(count))]
            rest()
            """
        }

        @Test(arguments: [1, 100, 5000])
        func pendingConnectionsOfANode(_ count: Int) async throws {
            try Self.raiseLimit()
            try await RecognitionBench.with(.ipv4) { bench in
                try await bench.start("n1", Self.dialling(count))
                try await Self.measure("node", bench, count: count, expected: .node("n1"))
            }
        }

        @Test(arguments: [1, 100])
        func connectionsOfANodeWithManyDescriptors(_ count: Int) async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                try await bench.start("n1", Self.dialling(count, besides: 5000))
                try await Self.measure(
                    "node with 5000 descriptors", bench, count: count, expected: .node("n1"))
            }
        }

        @Test(arguments: [(1, 0), (100, 0), (1, 5000), (100, 5000)])
        func connectionsOfAClient(_ count: Int, _ idle: Int) async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                try await bench.start("n1", Self.dialling(1, besides: idle))
                close(try await bench.accept())
                try bench.startOutside(Self.dialling(count))
                try await Self.measure(
                    "client, node with \(idle) descriptors", bench, count: count, expected: .client)
            }
        }

        @Test(arguments: [0, 5000])
        func aClientThatConnectsAgainAndAgain(_ idle: Int) async throws {
            try await RecognitionBench.with(.ipv4) { bench in
                try await bench.start("n1", Self.dialling(1, besides: idle))
                close(try await bench.accept())
                try bench.startOutside(
                    "for _ in range(2000): dial('x').recv(1)\nrest()")
                var times: [Duration] = []
                for _ in 0..<2000 {
                    let accepted = try await bench.accept()
                    let begin = ContinuousClock.now
                    #expect(try await bench.recognise(accepted) == .client)
                    times.append(ContinuousClock.now - begin)
                    _ = RecognitionBench.line(accepted)
                    close(accepted)
                }
                times.sort()
                print(
                    "client one after the other, node with \(idle) descriptors, pending: median "
                        + "\(Int(times[1000] / .microseconds(1))) µs, p99 "
                        + "\(Int(times[1980] / .microseconds(1))) µs")
            }
        }

        private static func raiseLimit() throws {
            var limit = rlimit(rlim_cur: 20_000, rlim_max: 20_000)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        }
    }
#endif
