import ChaosCheckers
import ChaosCore
import Testing

@Suite("List-append transactions")
struct ListAppendTests {
    // MARK: - Each anomaly by name

    private static let classics: [(name: String, weakest: [String], history: String)] = [
        (
            "G0", ["read-uncommitted"],
            """
            0 call append x 1, append y 1
            1 call append x 2, append y 2
            0 ok append x 1, append y 1
            1 ok append x 2, append y 2
            2 run r x [1 2], r y [2 1]
            """
        ),
        (
            "G1a", ["read-committed"],
            """
            0 call append x 1
            1 call r x
            0 fail append x 1
            1 ok r x [1]
            """
        ),
        (
            "G1b", ["read-committed"],
            """
            0 call append x 1, append x 2
            1 call r x
            0 ok append x 1, append x 2
            1 ok r x [1]
            """
        ),
        (
            "G1c", ["read-committed"],
            """
            0 call append x 1, r y
            1 call append y 1, r x
            0 ok append x 1, r y [1]
            1 ok append y 1, r x [1]
            """
        ),
        (
            "G-single", ["consistent-view", "repeatable-read"],
            """
            0 call r x, r y
            1 call append x 1, append y 1
            0 ok r x [], r y [1]
            1 ok append x 1, append y 1
            2 run r x [1]
            """
        ),
        (
            "G-nonadjacent", ["repeatable-read", "snapshot-isolation"],
            """
            0 call r x, r y
            1 call append x 1
            2 call r x, r y
            3 call append y 1
            0 ok r x [], r y [1]
            1 ok append x 1
            2 ok r x [1], r y []
            3 ok append y 1
            """
        ),
        (
            "G2-item", ["repeatable-read"],
            """
            0 call r x, append y 1
            1 call r y, append x 1
            0 ok r x [], append y 1
            1 ok r y [], append x 1
            2 run r x [1], r y [1]
            """
        ),
        (
            "G0-process", ["strong-session-read-uncommitted"],
            """
            0 run append x 1
            0 run append x 2
            1 run r x [2 1]
            """
        ),
        (
            "G0-realtime", ["strong-read-uncommitted"],
            """
            0 run append x 1
            1 run append x 2
            2 run r x [2 1]
            """
        ),
        (
            "G1c-realtime", ["strong-read-committed"],
            """
            0 run r x [1]
            1 run append x 1
            """
        ),
        (
            "G-single-process", ["strong-session-snapshot-isolation"],
            """
            0 run append x 1
            0 run r x []
            1 run r x [1]
            """
        ),
        (
            "G-single-realtime", ["strong-snapshot-isolation"],
            """
            0 run append x 1
            1 run r x []
            2 run r x [1]
            """
        ),
        (
            "internal", ["read-atomic"],
            """
            0 run append x 1, r x []
            1 run r x [1]
            """
        ),
        (
            "duplicate-elements", ["read-uncommitted"],
            """
            0 run append x 1
            1 run r x [1 1]
            """
        ),
        (
            "incompatible-order", ["read-committed"],
            """
            0 call append x 1
            1 call append x 2
            2 call r x
            3 call r x
            0 ok append x 1
            1 ok append x 2
            2 ok r x [1 2]
            3 ok r x [2 1]
            """
        ),
        (
            "dirty-update", ["read-committed"],
            """
            0 call append x 1
            1 call append x 2
            0 fail append x 1
            1 ok append x 2
            2 run r x [1 2]
            """
        ),
        (
            "lost-update", ["cursor-stability", "rola"],
            """
            0 call r x, append x 1
            1 call r x, append x 2
            0 ok r x [], append x 1
            1 ok r x [], append x 2
            """
        ),
        (
            "future-read", ["read-committed"],
            """
            0 run r x [1], append x 1
            """
        ),
        (
            "garbage-read", ["read-uncommitted"],
            """
            0 run r x [7]
            """
        ),
        (
            "wrong-reply", ["read-uncommitted"],
            """
            0 call append x 1
            0 ok append x 2
            """
        ),
    ]

    @Test(arguments: Self.classics.indices)
    func namesEachAnomaly(index: Int) throws {
        let (name, weakest, script) = Self.classics[index]
        let finding = ListAppendChecker().check(try transactionHistory(script))
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies.contains(name), "\(finding.anomalies) for \(name)")
        let others = Set(finding.anomalies).subtracting([name])
        // What else such a history shows by its nature.
        let natural: [String: Set<String>] = [
            "dirty-update": ["G1a"], "lost-update": ["G2-item"], "incompatible-order": ["G1a"],
            "future-read": ["G1c"], "G1b": ["G-single"],
        ]
        #expect(others.isSubset(of: natural[name] ?? []), "\(finding.anomalies) for \(name)")
        #expect(
            finding.statistics["not"]?.arrayValue?.compactMap(\.stringValue) == weakest,
            "\(finding.statistics["not"]?.text ?? "") for \(name)")
        // Whatever is weaker than all that it rules out accepts it.
        for model in ConsistencyModel.names {
            let ruledOut =
                (finding.statistics["not"]?.arrayValue ?? [])
                + (finding.statistics["also_not"]?.arrayValue ?? [])
            let checker = ListAppendChecker(models: [try ConsistencyModel(parsing: model)])
            let verdict = checker.check(try transactionHistory(script)).verdict
            #expect(
                verdict == (ruledOut.contains(.string(model)) ? .invalid : .valid),
                "\(name) under \(model)")
        }
    }

    @Test func explainsACycleInWordsAndAsAGraph() throws {
        let history = try transactionHistory(Self.classics[6].history)
        let finding = ListAppendChecker(models: [try ConsistencyModel(parsing: "serializable")])
            .check(history)
        #expect(
            finding.summary
                == "not serializable: 1 G2-item; not even repeatable-read")
        #expect(
            finding.evidence == [
                "G2-item T1 → T2 → T1",
                "  T1 = index 0, process 0: r x [], append y 1",
                "  T2 = index 1, process 1: r y [], append x 1",
                "  T1 before T2: T1 read x empty, without 1, which T2 appended (rw)",
                "  T2 before T1: T2 read y empty, without 1, which T1 appended (rw)",
                "  so each of them would have to come before itself",
            ])
        let dot = finding.statistics["graphs"]?.arrayValue?.first?["dot"]?.stringValue
        #expect(
            dot == """
                digraph "G2-item" {
                  node [shape=box];
                  T1 [label="T1: r x [], append y 1"];
                  T2 [label="T2: r y [], append x 1"];
                  T1 -> T2 [label="rw x"];
                  T2 -> T1 [label="rw y"];
                }
                """)
    }

    // MARK: - Simulated stores

    @Test func acceptsWhatAStrictlySerializableStoreDoes() {
        for seed in 0..<UInt64(60) {
            let history = SimulatedStore().history(150, clients: 1 + Int(seed % 8), seed: seed)
            let finding = ListAppendChecker().check(history)
            #expect(finding.verdict == .valid, "seed \(seed): \(finding.summary)")
        }
    }

    @Test func aSnapshotStoreIsNotSerializableAndIsSnapshotIsolated() throws {
        var store = SimulatedStore()
        store.isolation = .snapshot
        store.readsAllAtTheEnd = true
        let snapshot = ListAppendChecker(models: [
            try ConsistencyModel(parsing: "snapshot-isolation")
        ])
        let strong = ListAppendChecker(
            models: [try ConsistencyModel(parsing: "strong-snapshot-isolation")])
        var skewed = 0
        for seed in 0..<UInt64(40) {
            let history = store.history(150, clients: 6, seed: seed)
            #expect(snapshot.check(history).verdict == .valid, "seed \(seed)")
            let finding = strong.check(history)
            #expect(finding.verdict == .valid, "seed \(seed): \(finding.summary)")
            let serializable = ListAppendChecker().check(history)
            if serializable.verdict == .invalid {
                #expect(
                    serializable.anomalies.allSatisfy { $0.hasPrefix("G2-item") },
                    "\(serializable.anomalies)")
                skewed += 1
            }
        }
        #expect(skewed > 20)
    }

    // MARK: - Against all orders

    @Test(arguments: [true, false])
    func agreesWithTryingAllOrders(keepsTime: Bool) throws {
        let model = try ConsistencyModel(
            parsing: keepsTime ? "strict-serializable" : "serializable")
        let checker = ListAppendChecker(models: [model])
        var verdicts: [Verdict: Int] = [:]
        for seed in 0..<UInt64(500) {
            var store = SimulatedStore()
            store.isolation = seed % 3 == 0 ? .snapshot : .none
            store.keys = 2
            store.maxSteps = 3
            store.outcomes = (.zero, .zero)
            store.readsAllAtTheEnd = true
            let history = store.history(5, clients: 3, seed: seed)
            let expected = SerialOrders.exist(for: history, keepsTime: keepsTime)
            let finding = checker.check(history)
            #expect(
                finding.verdict == (expected ? .valid : .invalid),
                "seed \(seed): \(finding.summary)\n\(history.edn)")
            verdicts[finding.verdict, default: 0] += 1
        }
        #expect(verdicts[.valid] ?? 0 > 50 && verdicts[.invalid] ?? 0 > 50, "\(verdicts)")
    }

    /// With unknown and failed transactions, and without a last read, it may miss something, but never invents.
    @Test func neverCallsInvalidWhatHasAnOrder() {
        var valid = 0
        for seed in 0..<UInt64(400) {
            var store = SimulatedStore()
            store.isolation = .none
            store.keys = 2
            store.maxSteps = 3
            store.outcomes = (.zero, Ratio(percent: 25))
            let history = store.history(5, clients: 3, seed: seed)
            if SerialOrders.exist(for: history, keepsTime: true) {
                let finding = ListAppendChecker().check(history)
                #expect(
                    finding.verdict != .invalid, "seed \(seed): \(finding.summary)\n\(history.edn)")
                valid += 1
            }
        }
        #expect(valid > 40)
    }

    // MARK: - Mutations

    /// A read to change: where it stands, and what it shows.
    private struct Site {
        let event: Int
        let step: Int
        let values: [JSONValue]
    }

    private static func sites(_ history: History) -> [Site] {
        history.operations.indices.flatMap { event -> [Site] in
            guard history.operations[event].kind == .ok else { return [] }
            let steps = history.operations[event].value.arrayValue ?? []
            return steps.enumerated().compactMap { index, step in
                guard let parts = step.arrayValue, parts[0] == "r", let values = parts[2].arrayValue
                else { return nil }
                // Only reads of keys that their transaction does not write.
                let isOwn = steps.contains {
                    $0.arrayValue?[0] == "append" && $0.arrayValue?[1] == parts[1]
                }
                return isOwn ? nil : Site(event: event, step: index, values: values)
            }
        }
    }

    private static func changing(_ history: History, _ site: Site, to values: [JSONValue])
        -> History
    {
        var operations = history.operations
        var steps = operations[site.event].value.arrayValue ?? []
        var parts = steps[site.step].arrayValue ?? []
        parts[2] = .array(values)
        steps[site.step] = .array(parts)
        operations[site.event].value = .array(steps)
        return History(operations)
    }

    @Test(arguments: ["swapped", "doubled", "invented", "shortened", "failed"])
    func rejectsMutations(mutation: String) throws {
        for seed in 0..<UInt64(25) {
            var store = SimulatedStore()
            store.outcomes = (.zero, .zero)
            store.readsAllAtTheEnd = true
            let history = store.history(100, clients: 4, seed: seed)
            var generator = Seed(seed).derived(mutation).generator
            let sites = Self.sites(history).filter { $0.values.count >= 2 }
            let picked = generator.pick(sites)
            let site = try #require(picked)
            var values = site.values
            var mutated = history
            var expected: String?
            switch mutation {
            case "swapped":
                values.swapAt(0, 1)
                expected = "incompatible-order"
            case "doubled":
                values.append(values[0])
                expected = nil
            case "invented":
                values.append(4711)
                expected = "garbage-read"
            case "shortened":
                // The final read sees less than earlier ones did.
                let last = Self.sites(history).filter {
                    $0.event == history.operations.count - 1 && $0.values.count >= 2
                }
                let final = try #require(last.first)
                mutated = Self.changing(history, final, to: Array(final.values.dropLast()))
                expected = nil
            default:
                // Who appended what was read had failed.
                let value = try #require(values.first)
                let key = history.operations[site.event].value.arrayValue?[site.step].arrayValue?[1]
                var operations = history.operations
                let writer = operations.indices.first { index in
                    operations[index].kind == .ok
                        && (operations[index].value.arrayValue ?? []).contains {
                            $0 == ["append", key ?? .null, value]
                        }
                }
                let place = try #require(writer)
                operations[place].kind = .fail
                mutated = History(operations)
                expected = "G1a"
            }
            if mutation != "shortened" && mutation != "failed" {
                mutated = Self.changing(history, site, to: values)
            }
            let finding = ListAppendChecker().check(mutated)
            #expect(finding.verdict == .invalid, "\(mutation), seed \(seed)")
            if let expected {
                #expect(finding.anomalies.contains(expected), "\(finding.anomalies)")
            }
        }
    }

    // MARK: - What it cannot know

    @Test func isUnknownWithoutEvidenceOrWhenValuesRepeat() throws {
        #expect(ListAppendChecker().check(History()).verdict == .unknown)
        let twice = try transactionHistory("0 run append x 1\n1 run append x 1")
        let finding = ListAppendChecker().check(twice)
        #expect(finding.verdict == .unknown)
        #expect(
            finding.summary
                == "a value was appended to x twice, so its versions cannot be told apart")
        let nonsense = try transactionHistory("0 run frob x 1")
        #expect(
            ListAppendChecker().check(nonsense).summary
                == #"the value of 'txn' at index 0 must be a list of ["r" or "append", key, value], found '[["frob","x",1]]'"#
        )
    }

    @Test func judgesTenThousandTransactions() {
        var store = SimulatedStore()
        store.writesPerKey = 32
        let history = store.history(10_000, clients: 20, seed: 3)
        let finding = ListAppendChecker().check(history)
        #expect(finding.verdict == .valid)
        // The graph is linear in the history.
        #expect(finding.statistics["dependency_count"]?.intValue ?? .max < 90_000)
    }
}
