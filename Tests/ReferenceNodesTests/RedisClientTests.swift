import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// Clients of Redis against our own server, in virtual time.
@Suite("Redis clients")
struct RedisClientTests {
    private static let systems: [ReferenceSystem] = [
        .redisBlocking, .redisPipelined, .redisReconnecting, .redisPool,
    ]
    private static let robust = [
        ("redis-blocking", "deadline"), ("redis-pipelined", "parse-all"),
        ("redis-reconnecting", "backoff"), ("redis-pool", "in-turn"), ("redis-pool", "lent"),
    ]

    private func simulation(
        _ system: String, _ variant: String, seed: UInt64 = 1
    ) throws -> StreamSimulation {
        try StreamSimulation(ReferenceSystem.named(system).variant(named: variant), seed: seed)
    }

    @Test(
        arguments: Self.systems.flatMap { system in system.variants.map { (system.name, $0.name) } }
    )
    func withoutFaultsAllAreRight(system: String, variant: String) throws {
        var run = try self.simulation(system, variant)
        run.echo(50, every: .milliseconds(20), from: .milliseconds(100))
        for number in 1...10 {
            run.ask(["type": "add", "delta": .int(Int64(number))], at: .seconds(2))
        }
        run.ask(["type": "read"], at: .seconds(4))
        run.run(until: .seconds(5))
        #expect(run.count("echo_ok") == 50 && run.wrongEchoes.isEmpty)
        #expect(run.unanswered(within: .milliseconds(500)).isEmpty)
        #expect(run.count("add_ok") == 10)
        #expect(run.ends[61]?.body["value"] == 55)
        #expect(run.surrender == nil)
    }

    /// What all robust clients promise, whatever happens between them and the server.
    @Test(arguments: Self.robust, Array(1...25) as [UInt64])
    func whateverHappensEveryCallerHearsTheTruthInTime(
        client: (String, String), seed: UInt64
    ) throws {
        var run = try self.simulation(client.0, client.1, seed: seed)
        var generator = Seed(seed).derived("faults").generator
        for number in 0..<150 {
            let time = Duration.milliseconds(100 + number * 40)
            run.ask(["type": "echo", "echo": .string("echo \(number)")], at: time)
            if number % 3 == 0 { run.ask(["type": "add", "delta": 1], at: time) }
        }
        for _ in 0..<15 { Self.disturb(&run, &generator) }
        run.at(.seconds(8)) { $0.conditions = .init() }
        run.ask(["type": "echo", "echo": "late"], at: .seconds(11))
        run.ask(["type": "read"], at: .seconds(11))
        run.run(until: .seconds(13))
        #expect(run.wrongEchoes.isEmpty)
        // The deadline of half a second, and the time in which a dead connection shows.
        #expect(run.unanswered(within: .milliseconds(1600)).isEmpty)
        #expect(run.surrender == nil)
        #expect(run.ends[201].map { StreamSimulation.name($0.body) } == "echo_ok")
        let added = run.count("add_ok")
        let unknown = run.asked.count { id, question in
            question.body["type"] == "add"
                && run.ends[id].map { StreamSimulation.name($0.body) } == "error 0"
        }
        let value = try #require(run.ends[202]?.body["value"]?.intValue)
        #expect((added...(added + unknown)).contains(Int(value)))
        #expect(run.connectionCount <= (client.0 == "redis-pool" ? 2 : 1))
    }

    private static func disturb(_ run: inout StreamSimulation, _ generator: inout Generator) {
        let time = Duration.milliseconds(generator.next(below: 6500))
        let length = Duration.milliseconds(100 + generator.next(below: 900))
        let number = generator.next(below: 20)
        switch generator.next(below: 7) {
        case 0: run.at(time) { $0.cut() }
        case 1: run.at(time) { $0.conditions.silentUntil = $0.now + length }
        case 2:
            run.at(time) {
                $0.cut()
                $0.conditions.refusesUntil = $0.now + length
            }
        case 3: run.at(time) { $0.conditions.piece = 1 + number }
        case 4: run.at(time) { $0.conditions.coalescing = .milliseconds(5 * (1 + number)) }
        case 5: run.at(time) { $0.conditions.loseReply = 1 + number }
        default:
            run.at(time) { $0.kill() }
            run.at(time + length) { $0.start("r1") }
        }
    }

    /// Each wrong variant and the shortest thing that brings it down; its right one survives the same.
    @Test(arguments: [
        ("redis-blocking", "one-read", "deadline"), ("redis-pipelined", "one-reply", "parse-all"),
    ])
    func whoTakesAReadForAReplyDies(system: String, wrong: String, right: String) throws {
        for (variant, survives) in [(wrong, false), (right, true)] {
            for piece in [1, 5] {
                var run = try self.simulation(system, variant)
                run.at(.milliseconds(500)) { $0.conditions.piece = piece }
                run.echo(50, every: .milliseconds(20), from: .milliseconds(100))
                run.run(until: .seconds(4))
                #expect((run.surrender == nil) == survives)
                #expect((run.count("echo_ok") == 50) == survives)
            }
        }
    }

    @Test(arguments: [("one-reply", false), ("parse-all", true)])
    func whoExpectsOneReplyAReadDiesOfTwo(variant: String, survives: Bool) throws {
        var run = try self.simulation("redis-pipelined", variant)
        run.at(.milliseconds(500)) { $0.conditions.coalescing = .milliseconds(50) }
        run.echo(50, every: .milliseconds(20), from: .milliseconds(100))
        run.run(until: .seconds(4))
        #expect((run.count("echo_ok") == 50) == survives)
    }

    @Test(arguments: [
        ("redis-blocking", "no-deadline", false), ("redis-blocking", "deadline", true),
        ("redis-pipelined", "no-deadline", false), ("redis-pipelined", "parse-all", true),
        ("redis-reconnecting", "backoff", true),
    ])
    func silenceIsWaitedForOnlySoLong(system: String, variant: String, isBounded: Bool) throws {
        var run = try self.simulation(system, variant)
        run.at(.milliseconds(500)) { $0.conditions.silentUntil = .seconds(5) }
        run.echo(50, every: .milliseconds(20), from: .milliseconds(100))
        run.run(until: .seconds(7))
        #expect(run.unanswered(within: .milliseconds(1600)).isEmpty == isBounded)
    }

    /// The first reply is late, and the next command reads it.
    @Test(arguments: [("keeps-socket", false), ("deadline", true)])
    func aLateReplyBelongsToNobody(variant: String, isRight: Bool) throws {
        var run = try self.simulation("redis-blocking", variant)
        run.at(.milliseconds(90)) { $0.conditions.silentUntil = .milliseconds(800) }
        run.echo(20, every: .milliseconds(100), from: .milliseconds(100))
        run.run(until: .seconds(5))
        #expect(run.wrongEchoes.isEmpty == isRight)
    }

    @Test(arguments: [
        ("redis-blocking", "resends", 6), ("redis-blocking", "deadline", 5),
        ("redis-pipelined", "resends", 6), ("redis-pipelined", "parse-all", 5),
        ("redis-reconnecting", "resends", 6), ("redis-reconnecting", "backoff", 5),
    ])
    func whoSendsAgainCountsTwice(system: String, variant: String, total: Int64) throws {
        var run = try self.simulation(system, variant)
        run.at(.milliseconds(250)) { $0.conditions.loseReply = 1 }
        for number in 1...5 {
            run.ask(["type": "add", "delta": 1], at: .milliseconds(number * 150))
        }
        run.ask(["type": "read"], at: .seconds(3))
        run.run(until: .seconds(4))
        // Done although its reply was lost; a resender's caller believes that it was done once. While it
        // waits to reconnect, the one that never sends again refuses what comes.
        let refused = Int64(run.count("error 11"))
        #expect(run.ends[6]?.body["value"] == .int(total - refused))
    }

    /// Two are in flight, the connection is cut, two more follow.
    @Test(arguments: [("keeps-queue", false), ("backoff", true)])
    func whoeverWaitedOnADeadConnectionIsForgotten(variant: String, isRight: Bool) throws {
        var run = try self.simulation("redis-reconnecting", variant)
        run.conditions.latency = .milliseconds(50)
        run.echo(2, every: .milliseconds(1), from: .milliseconds(300))
        run.at(.milliseconds(320)) { $0.cut() }
        for (number, time) in [(2, 560), (3, 570)] {
            run.ask(["type": "echo", "echo": .string("echo \(number)")], at: .milliseconds(time))
        }
        run.run(until: .seconds(4))
        #expect(run.wrongEchoes.isEmpty == isRight)
        if isRight { #expect(run.count("echo_ok") == 2 && run.count("error 0") == 2) }
    }

    @Test(arguments: [("sleeps", false), ("backoff", true)])
    func whoSleepsIsDeaf(variant: String, answers: Bool) throws {
        var run = try self.simulation("redis-reconnecting", variant)
        run.at(.milliseconds(500)) { $0.cut() }
        run.echo(50, every: .milliseconds(20), from: .milliseconds(100))
        run.run(until: .seconds(5))
        #expect(run.unanswered(within: .milliseconds(600)).isEmpty == answers)
        run.ask(["type": "echo", "echo": "at last"], at: .seconds(12))
        run.run(until: .seconds(13))
        #expect(run.ends[51]?.body["echo"] == "at last")
    }

    @Test(arguments: [
        ("redis-blocking", "dies-when-refused", "deadline"),
        ("redis-reconnecting", "dies-when-refused", "backoff"),
        ("redis-pool", "dies-together", "in-turn"),
        ("redis-pipelined", "dies-with-connection", "parse-all"),
    ])
    func aServerThatIsAwayIsNothingToDieOf(system: String, wrong: String, right: String) throws {
        for (variant, survives) in [(wrong, false), (right, true)] {
            var run = try self.simulation(system, variant)
            run.at(.milliseconds(500)) { $0.kill() }
            run.at(.seconds(3)) { $0.start("r1") }
            run.echo(100, every: .milliseconds(50), from: .milliseconds(100))
            run.run(until: .seconds(8))
            #expect((run.surrender == nil) == survives)
            if survives { #expect(run.count("echo_ok") > 15) }
            let reason = run.surrender ?? ""
            #expect(survives || reason.hasPrefix("the supervisor gave up after 3 restarts in 5s"))
        }
    }

    @Test func attemptsToConnectComeAtGrowingIntervals() throws {
        var run = try self.simulation("redis-reconnecting", "backoff")
        run.at(.seconds(1)) { $0.kill() }
        run.run(until: .seconds(10))
        let gaps = zip(run.attempts.dropFirst(2), run.attempts.dropFirst()).map { $0 - $1 }
        // 100 ms, growing by half up to a second, each within half of it; a connect takes 1 ms.
        for (index, gap) in gaps.enumerated() {
            var expected = 0.15
            for _ in 0..<index { expected = min(expected * 1.5, 1) }
            #expect(gap.inSeconds >= expected * 0.5 && gap.inSeconds <= expected * 1.5 + 0.002)
        }
        #expect((8...20).contains(gaps.count))
        run.start("r1")
        run.run(until: .seconds(12))
        let before = run.attempts.count
        run.at(.seconds(12)) { $0.cut() }
        run.run(until: .milliseconds(12160))
        // A success starts it over.
        #expect(run.attempts.count > before)
    }

    /// Fifty clients lose their server at once; those without backoff and jitter all come at once.
    @Test func aHerdComesAtOnce() throws {
        func peak(_ variant: String) throws -> Int {
            var attempts: [Int: Int] = [:]
            for seed in 1...50 {
                var run = try self.simulation("redis-reconnecting", variant, seed: UInt64(seed))
                run.at(.seconds(1)) { $0.kill() }
                run.run(until: .seconds(6))
                for attempt in run.attempts where attempt > .seconds(1) {
                    attempts[Int(attempt.wholeMilliseconds / 20), default: 0] += 1
                }
            }
            return attempts.values.max() ?? 0
        }
        #expect(try peak("herd") == 50)
        #expect(try peak("backoff") < 25)
    }

    @Test func aPoolAsksInTurnAndOnlyThoseThatAreConnected() throws {
        var run = try self.simulation("redis-pool", "in-turn")
        run.run(until: .milliseconds(100))
        #expect(run.connectionCount == 2)
        // One of two is lost, and nobody new gets in.
        run.at(.milliseconds(200)) {
            $0.conditions.loseReply = 1
            $0.conditions.refusesUntil = .seconds(4)
        }
        run.echo(100, every: .milliseconds(30), from: .milliseconds(300))
        run.run(until: .seconds(6))
        #expect(run.count("echo_ok") == 99 && run.count("error 0") == 1)
        #expect(run.connectionCount == 2)
        var blind = try self.simulation("redis-pool", "random")
        blind.at(.milliseconds(200)) {
            $0.conditions.loseReply = 1
            $0.conditions.refusesUntil = .seconds(4)
        }
        blind.echo(100, every: .milliseconds(30), from: .milliseconds(300))
        blind.run(until: .seconds(6))
        #expect((30...70).contains(blind.count("error 11")))
    }

    @Test(arguments: [("leaks", false), ("lent", true)])
    func whatTheDeadBorrowedComesBack(variant: String, comesBack: Bool) throws {
        var run = try self.simulation("redis-pool", variant)
        run.conditions.latency = .milliseconds(50)
        for start in [500, 700, 900] {
            run.ask(["type": "echo", "echo": "lost"], at: .milliseconds(start))
            run.at(.milliseconds(start + 20)) { $0.cutAsker() }
        }
        run.echo(10, every: .milliseconds(200), from: .seconds(2))
        run.run(until: .seconds(6))
        #expect((run.count("echo_ok") == 10) == comesBack)
        #expect(comesBack || run.count("error 11") == 10)
    }
}
