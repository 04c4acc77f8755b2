import ChaosCheckers
import ChaosCore
import ChaosLessons
import ChaosReport
import ChaosRun
import ChaosScenario
import Testing

@Suite struct MatrixTests {
    private static let kill = """
        nodes:
          n1..n3:
            command: chaos-node unique-ids --variant {variant}
        schedule:
          - { at: 2s, for: 1s, kill: n2 }
        workload: { kind: unique-ids, for: 4s }
        expect: { verdict: invalid, anomaly: duplicated }
        lesson: { variant: volatile, repaired_by: lives, concepts: [durability] }
        """

    private func lesson(_ text: String = Self.kill, name: String = "volatile") throws -> Lesson {
        let scenario = try ScenarioFile.read(text: text, name: "\(name).yaml")
        return try #require(
            Lesson(
                system: "unique-ids", name: name, file: "examples/unique-ids/\(name).yaml",
                scenario: scenario))
    }

    private func result(
        _ verdict: Verdict, anomalies: [String] = [], hits: Int = 1, exitCode: Int32 = 0,
        elapsed: Duration = .seconds(3)
    ) -> RunResult {
        var result = RunResult(
            scenario: "volatile", seed: Seed(1), verdict: verdict, exitCode: exitCode,
            elapsed: elapsed, directory: "runs/x", repeatCommand: "chaos test x")
        result.findings = [
            Finding(
                checker: "unique-ids", verdict: verdict, summary: "as found", anomalies: anomalies)
        ]
        result.faults = [
            .init(
                id: "schedule[0]", text: "kill n2", begin: .start, end: nil, touched: 1, hits: hits)
        ]
        return result
    }

    @Test func aLessonThatBreaksHasThreeRows() throws {
        let rows = try self.lesson().rows
        #expect(
            rows.map(\.id) == [
                "unique-ids/volatile --without-faults", "unique-ids/volatile",
                "unique-ids/volatile --variant lives",
            ])
        #expect(rows.map(\.expectation.verdict) == ["valid", "invalid", "valid"])
        #expect(rows.map(\.mustBeHit) == [false, true, true])
        #expect(
            rows[2].runs == [
                ["examples/unique-ids/volatile.yaml", "--variant", "lives", "--seed", "1"]
            ])
    }

    @Test func whatBreaksByItselfHasNoQuietRow() throws {
        let text = Self.kill.replacing("schedule:\n  - { at: 2s, for: 1s, kill: n2 }\n", with: "")
        let rows = try self.lesson(text).rows
        #expect(rows.map(\.kind) == [.trigger, .repaired(by: "lives")])
        #expect(rows.allSatisfy { !$0.mustBeHit })
    }

    @Test func aRightVariantRunsOverItsSeeds() throws {
        let text = Self.kill
            .replacing("expect: { verdict: invalid, anomaly: duplicated }\n", with: "")
            .replacing("variant: volatile, repaired_by: lives", with: "variant: lives, seeds: 20")
        let rows = try self.lesson(text, name: "lives").rows
        #expect(rows.map(\.kind) == [.seeds(20)])
        #expect(rows[0].runs.count == 20)
        #expect(rows[0].runs.last == ["examples/unique-ids/lives.yaml", "--seed", "20"])
        #expect(rows[0].expectation.verdict == "valid")
    }

    @Test func aRowHoldsOnlyWithVerdictAnomalyAndHits() throws {
        let rows = try self.lesson().rows
        func problems(_ row: Int, _ result: RunResult) -> [String] {
            RowOutcome(rows[row], [.success(result)]).problems
        }
        #expect(problems(1, self.result(.invalid, anomalies: ["duplicated"])).isEmpty)
        #expect(
            problems(1, self.result(.invalid, anomalies: ["unavailable"]))
                == ["seed 1: no 'duplicated' among the findings"])
        #expect(
            problems(1, self.result(.valid))
                == ["seed 1: valid, expected invalid: as found"])
        #expect(
            problems(1, self.result(.invalid, anomalies: ["duplicated"], hits: 0))
                == ["seed 1: no fault struck anything"])
        #expect(problems(0, self.result(.valid, hits: 0)).isEmpty)
        #expect(
            problems(2, self.result(.valid, exitCode: 75))
                == ["seed 1: valid, and the exit code is 75"])
        #expect(
            problems(2, self.result(.valid, elapsed: .seconds(16)))
                == ["seed 1: took 16s, 15s are allowed"])
    }

    @Test func aRunWithoutResultIsAProblem() throws {
        let row = try self.lesson().rows[0]
        let outcome = RowOutcome(row, [.failure(RowFailure("chaos test x exited with 69: no"))])
        #expect(outcome.problems == ["chaos test x exited with 69: no"])
        #expect(outcome.text == "NOT AS EXPECTED")
    }

    @Test func theTableHasALineForEachLesson() throws {
        let rows = try self.lesson().rows
        let page = MatrixTable.page(
            [
                RowOutcome(rows[0], [.success(self.result(.valid))]),
                RowOutcome(rows[1], [.success(self.result(.invalid, anomalies: ["duplicated"]))]),
                RowOutcome(rows[2], [.success(self.result(.valid, hits: 7))]),
            ], of: ["unique-ids"])
        #expect(page.contains("\n## unique-ids\n"))
        #expect(
            page.contains(
                "| [volatile](../examples/unique-ids/volatile.yaml) | kill n2 | valid "
                    + "| `volatile` invalid: duplicated | `lives` valid | 7 | 3s |"))
        #expect(page.contains("3 rows, 3 runs: 3 as expected, 0 not."))
    }

    @Test func tablesOfOtherSystemsStay() throws {
        let rows = try self.lesson().rows
        let outcomes = [RowOutcome(rows[0], [.success(self.result(.valid))])]
        let systems = ["zebra", "unique-ids", "ant"]
        let earlier = """
            # The verdict matrix

            what it is

            ## ant

            a table

            1 rows, 1 runs: 1 as expected, 0 not.

            ## gone

            another

            ## unique-ids

            an old one

            ## zebra

            the last

            """
        let page = MatrixTable.page(outcomes, of: systems, after: earlier)
        #expect(
            page.contains(
                "\n\n## ant\n\na table\n\n1 rows, 1 runs: 1 as expected, 0 not.\n\n## unique-ids\n")
        )
        #expect(page.hasSuffix("0 not.\n\n## zebra\n\nthe last\n"))
        #expect(!page.contains("gone") && !page.contains("an old one"))
        #expect(MatrixTable.page(outcomes, of: systems, after: page) == page)
    }

    /// Over many commits every row comes up, and one commit always has the same rows.
    @Test func samplesRotate() throws {
        let lessons = try (0..<10).map { try self.lesson(name: "lesson\($0)") }
        let rows = lessons.flatMap(\.rows)
        var seen: Set<String> = []
        for commit in 0..<60 {
            let sample = MatrixRow.sample(rows, count: 4, by: "commit \(commit)").map(\.id)
            #expect(sample.count == 4 && Set(sample).count == 4)
            #expect(sample == MatrixRow.sample(rows, count: 4, by: "commit \(commit)").map(\.id))
            seen.formUnion(sample)
        }
        #expect(seen.count == rows.count)
    }
}
