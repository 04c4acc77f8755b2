import ChaosCheckers
import ChaosCore
import Testing

@Suite("Register transactions")
struct RegisterTransactionTests {
    private static let classics: [(name: String, history: String)] = [
        (
            "G1a",
            """
            0 call w x 1
            1 call r x
            0 fail w x 1
            1 ok r x 1
            """
        ),
        (
            "G1b",
            """
            0 call w x 1, w x 2
            1 call r x
            0 ok w x 1, w x 2
            1 ok r x 1
            """
        ),
        (
            "G1c",
            """
            0 call w x 1, r y
            1 call w y 1, r x
            0 ok w x 1, r y 1
            1 ok w y 1, r x 1
            """
        ),
        (
            "G-single",
            """
            0 call r x, r y
            1 call w x 1, w y 1
            0 ok r x nil, r y 1
            1 ok w x 1, w y 1
            """
        ),
        (
            "G2-item",
            """
            0 call r x, w y 1
            1 call r y, w x 1
            0 ok r x nil, w y 1
            1 ok r y nil, w x 1
            """
        ),
        (
            "G0",
            """
            0 call w x 1, r y, w y 2
            1 call w y 1, r x, w x 2
            0 ok w x 1, r y 1, w y 2
            1 ok w y 1, r x 1, w x 2
            """
        ),
        (
            "G-single-process",
            """
            0 run w x 1
            0 run r x nil
            """
        ),
        (
            "G-single-realtime",
            """
            0 run w x 1
            1 run r x nil
            """
        ),
        (
            "lost-update",
            """
            0 call r x, w x 1
            1 call r x, w x 2
            0 ok r x nil, w x 1
            1 ok r x nil, w x 2
            """
        ),
        (
            "cyclic-versions",
            """
            0 call r x, w x 2
            1 call r x, w x 1
            0 ok r x 1, w x 2
            1 ok r x 2, w x 1
            """
        ),
        ("internal", "0 run w x 1, r x 2\n1 run w x 2"),
        ("garbage-read", "0 run r x 9"),
        ("wrong-reply", "0 call w x 1\n0 ok r x 1"),
        (
            "dirty-update",
            """
            0 call w x 1
            1 call r x, w x 2
            0 fail w x 1
            1 ok r x 1, w x 2
            """
        ),
    ]

    @Test(arguments: Self.classics.indices)
    func namesEachAnomaly(index: Int) throws {
        let (name, script) = Self.classics[index]
        let finding = RegisterTransactionChecker().check(try transactionHistory(script))
        #expect(finding.verdict == .invalid)
        #expect(finding.anomalies.contains(name), "\(finding.anomalies) for \(name)")
    }

    @Test func acceptsWhatAStrictlySerializableStoreDoes() {
        for seed in 0..<UInt64(60) {
            var store = SimulatedStore()
            store.hasLists = false
            let history = store.history(150, clients: 1 + Int(seed % 8), seed: seed)
            for checker in [
                RegisterTransactionChecker(),
                RegisterTransactionChecker(hasSequentialKeys: true),
                RegisterTransactionChecker(hasLinearizableKeys: true),
            ] {
                let finding = checker.check(history)
                #expect(finding.verdict == .valid, "seed \(seed): \(finding.summary)")
            }
        }
    }

    @Test func neverCallsInvalidWhatHasAnOrder() {
        var counts = (valid: 0, caught: 0, missed: 0)
        for seed in 0..<UInt64(500) {
            var store = SimulatedStore()
            store.hasLists = false
            store.isolation = seed % 3 == 0 ? .snapshot : .none
            store.keys = 2
            store.maxSteps = 3
            store.outcomes = (.zero, Ratio(percent: 10))
            let history = store.history(5, clients: 3, seed: seed)
            let finding = RegisterTransactionChecker().check(history)
            if SerialOrders.exist(for: history, keepsTime: true) {
                #expect(
                    finding.verdict != .invalid, "seed \(seed): \(finding.summary)\n\(history.edn)")
                counts.valid += 1
            } else if finding.verdict == .invalid {
                counts.caught += 1
            } else {
                counts.missed += 1
            }
        }
        #expect(counts.valid > 50 && counts.caught > counts.missed, "\(counts)")
    }

    @Test func linearizableKeysShowStaleReadsOfTheDataAlone() throws {
        let history = try transactionHistory("0 run w x 1\n1 run w x 2\n2 run r x 1")
        let models = [try ConsistencyModel(parsing: "serializable")]
        #expect(RegisterTransactionChecker(models: models).check(history).verdict == .valid)
        let strict = RegisterTransactionChecker(models: models, hasLinearizableKeys: true)
        #expect(strict.check(history).verdict == .invalid)
    }

    @Test func rejectsAStaleRead() throws {
        for seed in 0..<UInt64(25) {
            var store = SimulatedStore()
            store.hasLists = false
            store.outcomes = (.zero, .zero)
            store.readsAllAtTheEnd = true
            let history = store.history(100, clients: 4, seed: seed)
            var operations = history.operations
            let last = operations.count - 1
            var steps = operations[last].value.arrayValue ?? []
            let index = try #require(steps.firstIndex { $0.arrayValue?[2] != .null })
            var parts = steps[index].arrayValue ?? []
            parts[2] = .null
            steps[index] = .array(parts)
            operations[last].value = .array(steps)
            let finding = RegisterTransactionChecker().check(History(operations))
            #expect(finding.verdict == .invalid, "seed \(seed)")
        }
    }
}
