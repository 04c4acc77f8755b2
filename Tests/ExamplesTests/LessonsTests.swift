import Testing

/// A part of the verdict matrix, as people run it; all of it is `make matrix`.
@Suite("examples: lessons", .serialized)
struct LessonsTests {
    @Test func aPartOfTheMatrixHolds() async throws {
        let run = try ExampleRun([
            "matrix", "--examples", ExampleRun.example(""), "--jobs", "4", "echo/one-read",
            "g-counter/total", "unique-ids/volatile",
        ])
        #expect(try await run.exitCode() == 0, "\(run.errors)")
        #expect(run.output == "8 rows: 8 as expected, 0 not\n")
        expect(
            [
                "ok  ", "echo/one-read", "unavailable", "g-counter/total", "wrong-final",
                "unique-ids/volatile", "duplicated",
            ], inOrderIn: run.errors.split(separator: "\n").sorted().joined(separator: "\n"))
    }

    @Test func aLessonExplainsWhatIsSeen() async throws {
        let run = try ExampleRun([
            "lesson", "unique-ids/volatile", "--examples", ExampleRun.example(""), "--time-scale",
            "0.6",
        ])
        #expect(try await run.exitCode() == 0, "\(run.output)\n\(run.errors)")
        expect(
            [
                "== unique-ids/volatile", "1. 'volatile' without faults", "VALID",
                "2. 'volatile', and what the file does to it", "watch for 'duplicated'", "INVALID",
                "3. 'lives' under the same", "VALID", "What repairs it: ",
            ], inOrderIn: run.output)
    }

    @Test(arguments: [("link-shortener", "write-once"), ("map-reduce", "jobs")])
    func systemsStandOnDebiansRedis(_ system: String, check: String) async throws {
        let run = try ExampleRun([
            "test", ExampleRun.example("\(system)/real-redis.yaml"), "--seed", "1",
        ])
        #expect(try await run.exitCode() == 0, "\(run.output)\n\(run.errors)")
        expect(["VALID", "\(check)  valid", "kill r1"], inOrderIn: run.output)
    }

    @Test(arguments: [("unsealed", "intruder"), ("heartbeats", "3 nodes know each other")])
    func membersFindEachOtherOverRealDatagrams(variant: String, told: String) async throws {
        let run = try ExampleRun([
            "test", ExampleRun.example("membership/unsealed.yaml"), "--variant", variant, "--seed",
            "1",
        ])
        #expect(try await run.exitCode() == 0, "\(run.output)\n\(run.errors)")
        expect(["VALID", told], inOrderIn: run.output)
    }

    @Test func lessonsAreListedByConcept() async throws {
        let run = try ExampleRun(["lessons", "--examples", ExampleRun.example("")])
        #expect(try await run.exitCode() == 0)
        expect(
            ["CAP", "unique-ids/central", "Durability", "unique-ids/volatile"],
            inOrderIn: run.output)
    }
}
