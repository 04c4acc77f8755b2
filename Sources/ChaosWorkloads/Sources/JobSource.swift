import ChaosCheckers
import ChaosCore

/// Jobs of map-reduce, one after the other: words of a small vocabulary to be counted, or lines of numbers of which
/// none comes twice.
///
/// A client submits a job until somebody takes it, and asks for its result until there is one. In the end every client
/// asks how many results there were of each job. In one of the jobs there may be a word that kills whoever counts it.
struct JobSource: OperationSource {
    private static let vocabulary = [
        "foo", "bar", "baz", "qux", "alpha", "beta", "gamma", "delta", "epsilon", "omega",
    ]
    private static let wordCount = 240
    private static let numberCount = 400
    /// The pause between two questions, and how long an answer to one is waited for.
    private static let pause = Duration.milliseconds(50)
    private static let patience = Duration.milliseconds(500)

    /// The number of the job that nobody can do; `nil` is none.
    private let poisoned: Int?
    private var generator: Generator
    private var count = 0

    init(poisoned: Int?, seed: Seed) {
        self.poisoned = poisoned
        self.generator = seed.derived("operations").generator
    }

    mutating func next(idle: [Int]) -> (worker: Int, operation: PlannedOperation)? {
        guard let worker = self.generator.pick(idle) else { return nil }
        self.count += 1
        let isOfWords = self.count % 2 == 1
        let input = isOfWords ? self.words() : self.numbers()
        var argument: JSONObject = [
            "job": .string("j\(self.count)"), "fn": isOfWords ? "words" : "lines",
            "input": .string(input),
        ]
        if self.count == self.poisoned {
            argument["input"] = .string(input + JobChecker.poison + "\n")
        }
        return (worker, Self.operation(argument))
    }

    private mutating func words() -> String {
        var text = ""
        for index in 1...Self.wordCount {
            text += self.generator.pick(Self.vocabulary) ?? ""
            text += index % 5 == 0 ? "\n" : " "
        }
        return text
    }

    private mutating func numbers() -> String {
        self.generator.shuffled(Array(0..<Self.numberCount)).map { "\($0)\n" }.joined()
    }

    private static func operation(_ argument: JSONObject) -> PlannedOperation {
        PlannedOperation(function: "job", argument: .object(argument)) { client, timeout in
            let clock = ContinuousClock()
            let end = clock.now + timeout
            var submission = argument
            submission["type"] = "submit"
            var isSubmitted = false
            while clock.now < end {
                let question: JSONObject =
                    isSubmitted ? ["type": "result", "job": argument["job"] ?? nil] : submission
                let outcome = await client.request(question, timeout: Self.patience)
                if case .reply(let reply) = outcome {
                    switch reply["type"]?.stringValue {
                    case "submit_ok":
                        isSubmitted = true
                        continue
                    case "result_ok" where reply["state"] == "done":
                        return (.ok, reply["counts"], nil)
                    case "result_ok" where reply["state"] == "failed":
                        return (.fail, nil, reply["reason"]?.stringValue ?? "the job failed")
                    default: break
                    }
                }
                do { try await clock.sleep(for: Self.pause) } catch { break }
            }
            return (.info, nil, "not finished within \(timeout.text)")
        }
    }

    mutating func finalScript(of worker: Int) -> FinalScript? {
        let read = PlannedRequest(
            function: "results", argument: .null, body: ["type": "results"],
            replyType: "results_ok", result: { $0["results"] }
        ).operation
        return { performer in try await performer.insist(on: read) }
    }
}
