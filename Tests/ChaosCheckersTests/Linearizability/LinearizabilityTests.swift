import ChaosCheckers
import ChaosCore
import Testing

@Suite("Linearizability")
struct LinearizabilityTests {
    /// Each model with an object that obeys it.
    private static let pairs: [(name: String, object: SimulatedObject)] = [
        ("cas-register", .register()), ("register", .register(isUnique: true, onlyWrites: true)),
        ("counter", .counter), ("set", .set(hasRead: true)), ("set", .set(hasRead: false)),
        ("queue", .sequence(isStack: false)), ("stack", .sequence(isStack: true)),
        ("mutex", .mutex),
    ]

    private func checker(_ model: String) throws -> any Checker {
        try makeChecker(name: "linearizable", parameters: ["model": .string(model)])
    }

    @Test(arguments: Self.pairs.indices)
    func acceptsWhatALinearizableObjectDoes(pair: Int) throws {
        let (name, object) = Self.pairs[pair]
        for seed in 0..<40 {
            let history = object.history(
                60, clients: 2 + seed % 5, crashes: Ratio(percent: seed % 3 * 3),
                seed: UInt64(seed))
            let finding = try self.checker(name).check(history)
            #expect(finding.verdict == .valid, "\(name) seed \(seed): \(finding.summary)")
        }
    }

    // MARK: - Against all orders

    private static func small(_ seed: UInt64, _ object: SimulatedObject) -> History {
        var generator = Seed(seed).derived("small").generator
        let valid = object.history(
            7, clients: 3, crashes: Ratio(percent: 8), seed: seed)
        // One or two results become others that were or might have been seen.
        var operations = valid.operations
        let results = operations.indices.filter { operations[$0].kind == .ok }
        let values = operations.map(\.value) + [.null, 0, 1, true, false]
        for _ in 0..<2 where !results.isEmpty {
            let index = results[generator.next(below: results.count)]
            let value = values[generator.next(below: values.count)]
            switch operations[index].function {
            case "read" where operations[index].value.arrayValue != nil:
                let elements = operations[index].value.arrayValue ?? []
                operations[index].value = .array(Array(elements.dropLast()))
            case "read" where operations[index].value.intValue != nil:
                operations[index].value = value.intValue.map { .int($0) } ?? 2
            case "contains": operations[index].value = .bool(generator.next(below: 2) == 0)
            case "dequeue", "pop", "read": operations[index].value = value
            default: operations[index].kind = .info
            }
        }
        return History(operations)
    }

    @Test(arguments: Self.pairs.indices)
    func agreesWithTryingAllOrders(pair: Int) throws {
        let (name, object) = Self.pairs[pair]
        let checker = try #require(try self.checker(name) as? LinearizabilityChecker)
        var verdicts: [Verdict: Int] = [:]
        for seed in 0..<UInt64(250) {
            let history = Self.small(seed, object)
            let expected = try BruteForce.isLinearizable(history, checker.model)
            let finding = checker.check(history)
            #expect(
                finding.verdict == (expected ? .valid : .invalid),
                "\(name) seed \(seed): \(finding.summary)\n\(history.edn)")
            verdicts[finding.verdict, default: 0] += 1
        }
        // Both answers must have been asked for.
        #expect(verdicts[.valid] ?? 0 > 10)
        if name != "mutex" { #expect(verdicts[.invalid] ?? 0 > 10) }
    }

    // MARK: - Mutations

    @Test func rejectsAValueThatNobodyWrote() throws {
        for seed in 0..<20 {
            let history = SimulatedObject.register().history(
                80, clients: 4, crashes: Ratio(percent: 3), seed: UInt64(seed))
            var operations = history.operations
            let reads = operations.indices.filter {
                operations[$0].kind == .ok && operations[$0].function == "read"
            }
            let index = try #require(reads.last)
            operations[index].value = 99
            let finding = LinearizabilityChecker().check(History(operations))
            #expect(finding.verdict == .invalid)
            #expect(finding.anomalies == ["not-linearizable"])
            #expect(finding.summary.contains("'read 99'"), "\(finding.summary)")
        }
    }

    @Test func rejectsAStaleRead() throws {
        var mutated = 0
        for seed in 0..<40 {
            let history = SimulatedObject.register(isUnique: true, onlyWrites: true).history(
                60, clients: 3, seed: UInt64(seed))
            var operations = history.operations
            let pairs = history.invocations
            // A write that ended before another began, which ended before the read began.
            let read = pairs.last { $0.begin.function == "read" && $0.outcome == .ok }
            guard let read, let end = read.end else { continue }
            let writes = pairs.filter { $0.begin.function == "write" }
            guard
                let newer = writes.last(where: {
                    ($0.end?.index ?? .max) < read.begin.index
                }),
                let older = writes.last(where: {
                    ($0.end?.index ?? .max) < newer.begin.index
                })
            else { continue }
            operations[end.index].value = older.begin.value
            let finding = LinearizabilityChecker().check(History(operations))
            #expect(finding.verdict == .invalid, "seed \(seed)")
            mutated += 1
        }
        #expect(mutated > 20)
    }

    // MARK: - What it says

    private static func script(_ text: String) throws -> History {
        var history = History()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            let kinds: [Substring: Operation.Kind] = [
                "call": .invoke, "ok": .ok, "fail": .fail, "info": .info,
            ]
            history.append(
                Operation(
                    index: history.operations.count, process: try #require(Int(words[0])),
                    kind: try #require(kinds[words[1]]), function: String(words[2]),
                    value: words.count > 3 ? try JSONValue(parsing: String(words[3])) : .null,
                    time: Instant(nanoseconds: Int64(history.operations.count))))
        }
        return history
    }

    @Test func drawsTheSmallestWindow() throws {
        var text = ""
        for value in 0..<30 { text += "0 call write \(value)\n0 ok write \(value)\n" }
        text += """
            1 call write 7
            2 call read
            1 ok write 7
            3 call write 8
            3 ok write 8
            2 ok read 7
            2 call read
            2 ok read 7
            """
        let finding = LinearizabilityChecker().check(try Self.script(text))
        #expect(
            finding.summary
                == "not linearizable: no order is left for 'read 7' of process 2, which returned at index 67"
        )
        #expect(
            finding.evidence == [
                "last consistent prefix: 33 operations in order, then the state is 8",
                "  … → write 25 (process 0) → write 26 (process 0) → write 27 (process 0) → write 28 (process 0)"
                    + " → write 29 (process 0) → write 7 (process 1) → read 7 (process 2) → write 8 (process 3)",
                "smallest window without an order, whatever went before:",
                "  process 1  ├─write 7─┤",
                "  process 2    ├─read 7──────────────┤ ├─read 7─┤  ◀ no place for it",
                "  process 3              ├─write 8─┤",
            ])
    }

    @Test func aCrashedWriteMayTakeEffectLaterOrNever() throws {
        let text = """
            0 call write 1
            0 info write 1
            1 call read
            1 ok read null
            2 call read
            2 ok read 1
            """
        #expect(LinearizabilityChecker().check(try Self.script(text)).verdict == .valid)
        let back = text + "\n3 call read\n3 ok read null"
        #expect(LinearizabilityChecker().check(try Self.script(back)).verdict == .invalid)
    }

    @Test func oneCrashedOperationTakesEffectOnce() throws {
        let text = """
            0 call add 5
            0 info add 5
            1 call read
            1 ok read 5
            2 call read
            2 ok read 10
            """
        let finding = LinearizabilityChecker(model: CounterModel()).check(try Self.script(text))
        #expect(finding.verdict == .invalid)
    }

    @Test func aFailedCompareAndSetTellsOnlyWhenAskedTo() throws {
        let history = try Self.script(
            "0 call write 1\n0 ok write 1\n1 call cas [1,2]\n1 fail cas [1,2]")
        #expect(LinearizabilityChecker().check(history).verdict == .valid)
        let strict = LinearizabilityChecker(model: RegisterModel(usesFailures: true))
        #expect(strict.check(history).verdict == .invalid)
    }

    @Test func judgesIndependentKeysOneByOne() throws {
        let text = """
            0 call write ["a",1]
            1 call write ["b",1]
            0 ok write ["a",1]
            1 ok write ["b",1]
            0 call read ["a",null]
            0 ok read ["a",1]
            1 call read ["b",null]
            1 ok read ["b",2]
            """
        let finding = LinearizabilityChecker().check(try Self.script(text))
        #expect(finding.verdict == .invalid)
        #expect(finding.summary.hasPrefix("not linearizable: key \"b\": no order is left"))
        #expect(finding.statistics["part_count"] == 2)
    }

    @Test func saysUnknownWhenTheBudgetIsUsedUp() {
        let history = SimulatedObject.register().history(200, clients: 5, seed: 1)
        let finding = LinearizabilityChecker(budget: 10).check(history)
        #expect(finding.verdict == .unknown)
        #expect(finding.summary.hasPrefix("the budget of steps was used up ("))
        #expect(LinearizabilityChecker().check(History()).verdict == .unknown)
    }

    @Test func saysWhichOperationItDoesNotKnow() throws {
        let finding = LinearizabilityChecker().check(try Self.script("0 call frobnicate 1"))
        #expect(finding.verdict == .unknown)
        #expect(
            finding.summary
                == "operations of the model 'cas-register' are read, write, cas, found 'frobnicate'"
        )
    }

    /// A model of somebody's own: a flag that can only be raised.
    private struct FlagModel: SequentialModel {
        enum Action: Hashable, Sendable {
            case raise
            case see(Bool)
        }

        var name: String { "flag" }
        var initialState: Bool { false }

        func action(of invocation: Invocation) throws(InputError) -> ModelAction<Action> {
            if invocation.begin.function == "raise" { return .action(.raise) }
            return (invocation.end?.value.boolValue).map { .action(.see($0)) } ?? .nothing
        }

        func step(_ state: Bool, _ action: Action) -> Bool? {
            switch action {
            case .raise: true
            case .see(let value): value == state ? state : nil
            }
        }
    }

    @Test func takesModelsOfOnesOwn() throws {
        let checker = LinearizabilityChecker(model: FlagModel())
        let raised = "0 call raise\n0 ok raise\n1 call see\n1 ok see true"
        #expect(checker.check(try Self.script(raised)).verdict == .valid)
        let lowered = raised + "\n1 call see\n1 ok see false"
        #expect(checker.check(try Self.script(lowered)).verdict == .invalid)
    }

    @Test func judgesThousandsOfOperationsOfManyClients() {
        let history = SimulatedObject.register().history(
            2_000, clients: 30, crashes: Ratio(percent: 1), seed: 7)
        let finding = LinearizabilityChecker().check(history)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    /// Beyond a first try a short stretch is looked for that has no order by itself.
    @Test func refutesAWideHistoryByAShortStretch() throws {
        let history = SimulatedObject.register(isUnique: true, onlyWrites: true).history(
            1_000, clients: 40, crashes: Ratio(percent: 2), seed: 3)
        #expect(LinearizabilityChecker().check(history).verdict == .valid)
        var operations = history.operations
        let reads = operations.indices.filter {
            operations[$0].kind == .ok && operations[$0].function == "read"
        }
        let index = try #require(reads.last)
        operations[index].value = "nobody wrote this"
        let finding = LinearizabilityChecker().check(History(operations))
        #expect(finding.verdict == .invalid, "\(finding.summary)")
        #expect(finding.statistics["step_count"]?.intValue ?? .max < 2_000_000)
    }
}
