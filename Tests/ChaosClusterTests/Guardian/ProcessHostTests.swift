import ChaosCluster
import Foundation
import OrderedCollections
import Testing

@Suite("Process host")
struct ProcessHostTests {
    /// A host and what its processes write.
    private static func withHost<Value>(
        _ body: (ProcessHost) async throws -> Value
    ) async throws -> Value {
        let host = try ProcessHost(run: "test-\(UUID().uuidString)")
        do {
            let value = try await body(host)
            await host.shutdown(grace: .zero)
            return value
        } catch {
            await host.shutdown(grace: .zero)
            throw error
        }
    }

    private static func spawn(
        _ command: [String], on host: ProcessHost, output: Int32? = nil, directory: String = "/",
        environment: OrderedDictionary<String, String> = ["PATH": "/usr/bin:/bin"],
        family: String = "n1"
    ) async throws -> HostedProcess {
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        let streams = SpawnRequest.StandardStreams(
            input: null, output: output ?? null, error: null)
        return try await host.spawn(
            SpawnRequest(
                command: command, environment: environment, directory: directory,
                streams: streams, family: family))
    }

    /// Runs a shell script to its end and returns how it ended and what it wrote.
    private static func run(
        _ script: String, on host: ProcessHost, directory: String = "/",
        environment: OrderedDictionary<String, String> = ["PATH": "/usr/bin:/bin"]
    ) async throws -> (status: ProcessExit, output: String) {
        let file = "/tmp/chaos-output-\(UUID().uuidString)"
        let output = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(output)
            unlink(file)
        }
        let process = try await self.spawn(
            ["sh", "-c", script], on: host, output: output, directory: directory,
            environment: environment)
        let status = await process.exitStatus()
        return (status, try String(contentsOfFile: file, encoding: .utf8))
    }

    @Test func aProcessGetsItsArgumentsEnvironmentAndDirectoryAndNothingElse() async throws {
        try await Self.withHost { host in
            let result = try await Self.run(
                "pwd; echo \"$A\"; env | cut -d= -f1 | sort | tr '\\n' ' '", on: host,
                directory: "/usr", environment: ["PATH": "/usr/bin:/bin", "A": "one two = drei"])
            #expect(result.status == .exited(0))
            #expect(result.output == "/usr\none two = drei\nA CHAOS_FAMILY CHAOS_RUN PATH PWD ")
        }
    }

    @Test func aProcessInheritsNoDescriptorButItsStreams() async throws {
        // Open and inheritable, as a careless library would leave it.
        let leaked = open("/dev/null", O_RDONLY)
        defer { close(leaked) }
        try await Self.withHost { host in
            let result = try await Self.run("ls /proc/$$/fd", on: host)
            #expect(result.output == "0\n1\n2\n")
        }
    }

    @Test func aProcessStartsWithDefaultSignalsAndASessionOfItsOwn() async throws {
        try await Self.withHost { host in
            let result = try await Self.run(
                "grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t'; cut -d' ' -f1,6 /proc/$$/stat",
                on: host)
            let lines = result.output.split(separator: "\n")
            // 32 and 33 belong to the C library, which lets no program set them.
            for line in lines.prefix(2) {
                let mask = try #require(UInt64(line.dropFirst(7), radix: 16))
                #expect(mask & ~0x1_8000_0000 == 0, "\(line)")
            }
            let numbers = lines[2].split(separator: " ")
            #expect(numbers[0] == numbers[1])
        }
    }

    @Test(arguments: [
        ("exit 0", ProcessExit.exited(0)), ("exit 7", .exited(7)), ("exit 255", .exited(255)),
        ("kill -KILL $$", .signalled(9)), ("kill -TERM $$", .signalled(15)),
    ])
    func theExitStatusArrives(script: String, expected: ProcessExit) async throws {
        try await Self.withHost { host in
            let process = try await Self.spawn(["sh", "-c", script], on: host)
            #expect(await process.exitStatus() == expected)
            #expect(process.endedAs == expected)
        }
    }

    @Test func aProgramThatCannotRunIsNamed() async throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, text, mode) in [
            ("plain", "#!/bin/sh\n", 0o644), ("lost", "#!/no/such/shell\n", 0o755),
            ("noise", "\u{1}\u{2}\n", 0o755), ("here", "#!/bin/sh\n", 0o755),
        ] {
            let path = "\(directory)/\(name)"
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            chmod(path, mode_t(mode))
        }
        let sentences = [
            "no-such-program": "the program must be in PATH, found 'no-such-program'",
            "here": """
            the program must be in PATH, found 'here'
            hint: it lies in the working directory: write './here'
            """,
            "./gone": """
            the program must exist, found './gone'
            hint: it was looked for in '\(directory)'
            """,
            "./plain": """
            the program must be executable, found './plain'
            hint: chmod +x './plain'
            """,
            "./lost": """
            the program's interpreter must exist, found './lost'
            hint: see its '#!' line, or its dynamic loader
            """,
            "./noise": "the program must be a binary or begin with '#!', found './noise'",
            "": "the command must name a program, found ''",
        ]
        try await Self.withHost { host in
            for (program, sentence) in sentences {
                let error = await #expect(throws: ProcessHostError.self) {
                    _ = try await Self.spawn([program, "x"], on: host, directory: directory)
                }
                #expect(error?.description == sentence)
            }
            let error = await #expect(throws: ProcessHostError.self) {
                _ = try await Self.spawn(["true"], on: host, directory: "/no/such/place")
            }
            #expect(
                error?.description == "the working directory must exist, found '/no/such/place'")
        }
    }

    @Test func aForegroundProcessJoinsTheGroupOfChaosAndStillEndsWithIt() async throws {
        let host = try ProcessHost(run: "test-\(UUID().uuidString)")
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        let process = try await host.spawn(
            SpawnRequest(
                command: ["sleep", "1000"], environment: ["PATH": "/usr/bin:/bin"], directory: "/",
                streams: .init(input: null, output: null, error: null), session: .foreground,
                family: "command"))
        #expect(getpgid(process.id.rawValue) == getpgrp())
        #expect(getpgid(host.guardian.rawValue) == host.guardian.rawValue)
        await host.shutdown(grace: .seconds(2))
        #expect(process.endedAs == .signalled(15))
    }

    @Test func tooMuchForOneProcessIsRefusedAndTheGuardianLivesOn() async throws {
        try await Self.withHost { host in
            let error = await #expect(throws: ProcessHostError.self) {
                _ = try await Self.spawn(
                    ["true", String(repeating: "x", count: 2_097_152)], on: host)
            }
            #expect(error?.code == .limit)
            // Within the guardian's limits, beyond the kernel's 128 KiB for one argument.
            let second = await #expect(throws: ProcessHostError.self) {
                _ = try await Self.spawn(
                    ["true", String(repeating: "x", count: 200_000)], on: host)
            }
            #expect(
                second?.description
                    == "the program must be runnable, found 'true': argument list too long (errno 7)"
            )
            let result = try await Self.run("echo fine", on: host)
            #expect(result.output == "fine\n")
        }
    }

    @Test func aFamilyIsStoppedResumedAndKilledWithItsDaemons() async throws {
        try await Self.withHost { host in
            let process = try await Self.spawn(
                ["sh", "-c", "(setsid sleep 1000 &); sleep 1000 & wait"], on: host)
            let other = try await Self.spawn(["sleep", "1000"], on: host, family: "n2")
            #expect(
                await eventually { ProcessScan.carrying("CHAOS_RUN=\(host.run)").count == 4 })

            #expect(try await host.send(.stop, to: process) == 3)
            #expect(try await host.inspect(process) == .init(alive: 3, stopped: 3, still: 3))
            #expect(try await host.inspect(other) == .init(alive: 1, stopped: 0, still: 0))
            #expect(try await host.send(.resume, to: process) == 3)
            #expect(try await host.inspect(process) == .init(alive: 3, stopped: 0, still: 0))
            #expect(try await host.send(.kill, to: process) == 3)
            #expect(await process.exitStatus() == .signalled(9))
            #expect(try await host.inspect(process) == .init(alive: 0, stopped: 0, still: 0))
            #expect(
                ProcessScan.carrying("CHAOS_RUN=\(host.run)") == [other.id.rawValue])
            #expect(try await host.send(.kill, to: process) == 0)
        }
    }

    @Test func aFamilyOutlivesItsFirstProcessAndIsStillFound() async throws {
        try await Self.withHost { host in
            let process = try await Self.spawn(
                ["sh", "-c", "(setsid sleep 1000 &); sleep 1000 & exit 3"], on: host)
            #expect(await process.exitStatus() == .exited(3))
            #expect(
                await eventually { ProcessScan.carrying("CHAOS_RUN=\(host.run)").count == 2 })
            #expect(try await host.send(.kill, to: process) == 2)
            #expect(ProcessScan.carrying("CHAOS_RUN=\(host.run)").isEmpty)
        }
    }

    @Test func aSignalToTheProcessAloneSparesItsChildren() async throws {
        try await Self.withHost { host in
            let process = try await Self.spawn(["sh", "-c", "sleep 1000 & wait"], on: host)
            #expect(
                await eventually { ProcessScan.carrying("CHAOS_RUN=\(host.run)").count == 2 })
            #expect(try await host.send(.terminate, to: process, scope: .process) == 1)
            #expect(await process.exitStatus() == .signalled(15))
            #expect(try await host.inspect(process).alive == 1)
            #expect(try await host.send(.kill, to: process, scope: .process) == 0)
        }
    }

    @Test func shutdownAsksFirstAndThenInsists() async throws {
        let host = try ProcessHost(run: "test-\(UUID().uuidString)")
        let polite = try await Self.spawn(
            ["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.01; done"], on: host)
        let deaf = try await Self.spawn(
            ["sh", "-c", "trap '' TERM; while :; do sleep 0.01; done"], on: host, family: "n2")
        let paused = try await Self.spawn(
            ["sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.01; done"], on: host,
            family: "n3")
        // Each sleeps in a child once its trap is set.
        for process in [polite, deaf, paused] {
            #expect(
                await eventually {
                    !ProcessScan.carrying("CHAOS_FAMILY=\(host.run)/\(process.family)")
                        .filter { $0 != process.id.rawValue }.isEmpty
                })
        }
        try await host.send(.stop, to: paused)
        await host.shutdown(grace: .milliseconds(500))
        #expect(polite.endedAs == .exited(5))
        #expect(deaf.endedAs == .signalled(9))
        #expect(paused.endedAs == .exited(6))
        #expect(ProcessScan.carrying("CHAOS_RUN=\(host.run)").isEmpty)
        #expect(ProcessScan.state(of: host.guardian.rawValue) == nil)
    }

    @Test func nothingStartsAfterTheEnd() async throws {
        let host = try ProcessHost(run: "test-\(UUID().uuidString)")
        await host.shutdown()
        let error = await #expect(throws: ProcessHostError.self) {
            _ = try await Self.spawn(["true"], on: host)
        }
        #expect(error?.description == "the guardian process must be alive")
        await host.shutdown()
    }

    @Test func aForgottenHostEndsItsProcesses() async throws {
        let run = "test-\(UUID().uuidString)"
        let process: HostedProcess
        do {
            let host = try ProcessHost(run: run)
            process = try await Self.spawn(["sleep", "1000"], on: host)
        }
        // Reaped by a guardian that nobody listens to any more.
        #expect(await process.exitStatus() == .unknown)
        #expect(ProcessScan.carrying("CHAOS_RUN=\(run)").isEmpty)
    }

    @Test func filesAreUnlinkedAtTheEndUnlessForgotten() async throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for name in ["socket", "kept"] {
            #expect(FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: nil))
        }
        let host = try ProcessHost(run: "test-\(UUID().uuidString)")
        try await host.unlinkAtEnd("\(directory)/socket")
        try await host.unlinkAtEnd("\(directory)/kept")
        try await host.forget("\(directory)/kept")
        await host.shutdown()
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["kept"])
    }

    @Test func twoHundredProcessesStartAndEndAtOnce() async throws {
        try await Self.withHost { host in
            let codes = try await withThrowingTaskGroup(of: Int32.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let process = try await Self.spawn(
                            ["sh", "-c", "exit \(number)"], on: host, family: "n\(number)")
                        return await process.exitStatus().shellCode
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.sorted() == Array(0..<200))
        }
    }
}
