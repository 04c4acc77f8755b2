import ChaosCore
import Foundation
import Testing

@testable import NodeKit
@testable import ReferenceNodes

/// Our small Redis beside the real one, and what its variants keep.
@Suite("Redis server", .timeLimit(.minutes(2)))
struct RedisServerTests {
    /// Everything that the server has, right and wrong.
    private static let commands = """
        PING|PING hello|PING a b|ECHO x|ECHO|echo "a b"|SET a 1|GET a|GET|GET a b|TYPE a|TYPE none
        SET a 2 NX|SET b 2 NX|SET b 3 XX|SET none 1 XX|GET b|SET a 5 GET|SET none 1 GET NX|SET a 1 FOO
        SET a 1 NX XX|SET a 1 EX|SET a 1 EX 0|SET a 1 EX -5|SET a 1 EX x|SET a 1 PX 100000 KEEPTTL
        SET a 1 EX 9223372036854775807|SET a 1 EX 100|TTL a|TTL none|TTL b|SET a 2 KEEPTTL|TTL a|SET a 3|TTL a
        SET a 1 PX 100000|TTL a|PERSIST a|PERSIST a|PERSIST none|EXPIRE a 100|TTL a|EXPIRE none 1
        EXPIRE a x|EXPIRE a 9223372036854775807|EXPIRE a 10 FOO|PEXPIRE a -1|GET a|EXPIRE b 0|GET b
        INCR n|INCR n|INCRBY n 40|DECR n|DECRBY n 2|DECRBY n -9223372036854775808|INCRBY n x|INCRBY n +1
        SET n 9223372036854775807|INCR n|GET n|SET n 007|INCR n|SET n " 1"|INCR n|SET n 1.5|INCR n|INCR
        APPEND s ab|APPEND s cd|GET s|STRLEN s|STRLEN none|MSET x 1 y 2|MSET x|MSET x 1 y|MGET x y none l
        SETNX x 2|SETNX z 2|GET z|LPUSH l a b c|RPUSH l d|LLEN l|LRANGE l 0 -1|LRANGE l 1 2|LRANGE l -2 -1
        LRANGE l 5 9|LRANGE l -100 1|LRANGE l x 1|LRANGE none 0 -1|LPOP l|RPOP l|LPOP l 0|LPOP l 5|LPOP l
        LPOP none|LPOP none 2|LPOP l -1|LPOP l x|LPOP l 1 2|LLEN l|TYPE l|RPUSH l a|TYPE l|GET l|INCR l|APPEND l x
        SET l x GET|LPUSH x a|LLEN x|MGET l x|STRLEN l|DEL x y|DEL none|DEL|EXISTS l l none|EXISTS|DBSIZE|DBSIZE x
        SELECT 1|GET z|SET q 1|DBSIZE|SELECT 16|SELECT -1|SELECT x|SELECT|FLUSHDB|DBSIZE|SELECT 0|DBSIZE
        FLUSHALL SYNC|DBSIZE|FLUSHALL x|FLUSHDB ASYNC|FLUSHDB a b|CLIENT|CLIENT FOO|CLIENT GETNAME
        CLIENT SETNAME me|CLIENT GETNAME|CLIENT SETNAME "a b"|CLIENT ID x|CLIENT KILL ID 999999|CLIENT KILL ID x
        CLIENT KILL FOO BAR|NOSUCH|nosuch a "b c"|NOSUCH aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b c
        """.split { "|\n".contains($0) }.map(String.init)

    /// Every answer, byte for byte.
    @Test func answersAsTheRealOneDoes() async throws {
        let real = try await RedisProcess.real()
        let ours = try await RedisProcess.ours()
        for command in Self.commands {
            let (expected, found) = try await (real.ask(command), ours.ask(command))
            #expect(found == expected, "\(command)")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func answersAsTheRealOneDoesToWhateverComes(seed: UInt64) async throws {
        let real = try await RedisProcess.real()
        let ours = try await RedisProcess.ours()
        var generator = Seed(seed).derived("commands").generator
        let keys = ["a", "b", "c"]
        let values = ["1", "-3", "x", "9223372036854775800", "\"\"", "12 3"]
        let templates = [
            "SET k v", "SET k v NX", "SET k v XX GET", "GET k", "DEL k k", "INCR k", "DECRBY k v",
            "INCRBY k v", "APPEND k v", "STRLEN k", "LPUSH k v v", "RPUSH k v", "LPOP k",
            "RPOP k v",
            "LRANGE k v v", "LLEN k", "TYPE k", "MGET k k", "MSET k v k v", "EXISTS k k",
            "SETNX k v",
            "EXPIRE k v", "PERSIST k", "SELECT 1", "SELECT 0", "DBSIZE", "SET k v EX 1000",
            "FLUSHDB",
        ]
        for _ in 0..<600 {
            let template = generator.pick(templates) ?? "PING"
            let command = template.split(separator: " ").map { word in
                switch word {
                case "k": generator.pick(keys) ?? "a"
                case "v": generator.pick(values) ?? "1"
                default: String(word)
                }
            }.joined(separator: " ")
            let (expected, found) = try await (real.ask(command), ours.ask(command))
            #expect(found == expected, "\(command)")
        }
    }

    /// What is no request ends the connection with the same words.
    @Test(arguments: [
        "*x\r\n", "*1\r\n:1\r\n", "*1\r\n$-5\r\n", "GET \"a\r\n", "*1\r\n$999999999999\r\n",
    ])
    func refusesAsTheRealOneDoes(bytes: String) async throws {
        let real = try await RedisProcess.real()
        let ours = try await RedisProcess.ours()
        let (expected, found) = (try real.exchange(bytes), try ours.exchange(bytes))
        #expect(found == expected && found.hasPrefix("-ERR Protocol error"))
    }

    @Test func servesRedisCliAndRedisBenchmark() async throws {
        let ours = try await RedisProcess.ours()
        #expect(try await ours.tool("redis-cli", ["SET", "key", "value", "EX", "100"]) == "OK\n")
        #expect(try await ours.tool("redis-cli", ["GET", "key"]) == "value\n")
        let text = try await ours.tool(
            "redis-benchmark",
            [
                "-q", "-n", "500", "-c", "10", "-P", "8", "-t",
                "ping,set,get,incr,lpush,rpush,lpop,mset",
            ])
        let lines = text.split(whereSeparator: \.isNewline).filter {
            $0.contains("requests per second")
        }
        #expect(lines.count == 9, "\(text)")
        #expect(!text.contains("rror"))
    }

    /// The real one reads what ours kept, and nothing is missing.
    @Test func theRealOneReadsOurLog() async throws {
        let ours = try await RedisProcess.ours()
        for command in ["SET a 1 EX 1000", "INCRBY a 41", "RPUSH l x y", "SELECT 3", "SET b 2"] {
            _ = try await ours.ask(command)
        }
        await ours.kill()
        let log = ours.folder.appending(path: "r1/appendonly")
        let check = try await ours.tool("redis-check-aof", [log.path], hasPort: false)
        #expect(check.contains("is valid"))
        let real = try await RedisProcess.real()
        _ = try await real.tool("redis-cli", ["--pipe"], input: log)
        #expect(try await real.ask("GET a") == "$2\r\n42\r\n")
        #expect(try await real.ask("LRANGE l 0 -1") == "*2\r\n$1\r\nx\r\n$1\r\ny\r\n")
        _ = try await real.ask("SELECT 3")
        #expect(try await real.ask("GET b") == "$1\r\n2\r\n")
    }

    /// What `kill -9` and a power cut leave of what was acknowledged, by when the log is written.
    @Test(arguments: [
        ("always", true, true), ("everysec", true, false), ("no", true, false),
        ("buffered", false, false),
    ])
    func whatWasAcknowledgedOutlives(
        variant: String, outlivesKill: Bool, outlivesPowerCut: Bool
    ) throws {
        for (isPowerCut, outlives) in [(false, outlivesKill), (true, outlivesPowerCut)] {
            var run = try StreamSimulation(
                .init("plain", "") {
                    RedisClientNode { randomness in
                        RedisPool(count: 1, .anybody, randomness: randomness) { _, _ in
                            PipelinedRedisClient()
                        }
                    }
                }, server: ReferenceSystem.redisServer.variant(named: variant))
            run.ask(["type": "add", "delta": 7], at: .milliseconds(100))
            run.at(.milliseconds(500)) {
                $0.kill(isPowerCut: isPowerCut)
                $0.start("r1")
            }
            run.ask(["type": "read"], at: .seconds(1))
            run.run(until: .seconds(2))
            #expect(run.count("add_ok") == 1)
            #expect(run.ends[2]?.body["value"] == .int(outlives ? 7 : 0), "\(isPowerCut)")
        }
    }

    /// A log that ends in the middle of a command is cut off there, and goes on from there.
    @Test func aTornLogLosesItsLastCommandOnly() {
        var log: [UInt8] = []
        RedisLog.write(["SET", "a", "1"].map { Array($0.utf8) }, to: &log)
        let whole = log.count
        RedisLog.write(["SET", "a", "2"].map { Array($0.utf8) }, to: &log)
        for end in whole..<log.count {
            var node = RedisServerNode()
            let start = StreamStart(id: "r1", others: [], seed: 1, log: Array(log[..<end]))
            let effects = node.handle(.started(start), at: .zero)
            #expect(effects.contains(.truncate(to: whole)) == (end > whole))
            let reply = node.store.carryOut(["GET", "a"].map { Array($0.utf8) }, on: 0, at: 1)?
                .reply
            #expect(reply == .text("1"))
        }
    }

    /// What no crash can have left is not cut off: who wrote it must see it.
    @Test func aDamagedLogIsRefused() {
        var log: [UInt8] = []
        RedisLog.write(["SET", "a", "1"].map { Array($0.utf8) }, to: &log)
        let whole = log.count
        log += Array("*1\r\n?".utf8) + Array("5\r\n".utf8)
        var node = RedisServerNode()
        let start = StreamStart(id: "r1", others: [], seed: 1, log: log)
        #expect(
            node.handle(.started(start), at: .zero) == [
                .crash(
                    "the log is damaged behind byte \(whole): Protocol error: expected '$', got '?'"
                )
            ])
    }

    @Test func clientsAreCountedAndEnded() throws {
        var node = RedisServerNode()
        _ = node.handle(
            .started(StreamStart(id: "r1", others: [], seed: 1)), at: .zero)
        func ask(_ stream: Int, _ command: String) -> [StreamEffect] {
            node.handle(.received(.inbound(stream), Array("\(command)\r\n".utf8)), at: .zero)
        }
        for stream in 1...3 { _ = node.handle(.opened(.inbound(stream)), at: .zero) }
        #expect(ask(2, "CLIENT ID") == [.write(.inbound(2), Array(":2\r\n".utf8))])
        #expect(
            ask(1, "CLIENT KILL ID 3") == [
                .close(.inbound(3)), .write(.inbound(1), Array(":1\r\n".utf8)),
            ])
        #expect(ask(3, "PING").isEmpty)
        #expect(ask(1, "DEBUG SLEEP 0.5").first == .stall(.milliseconds(500)))
        #expect(
            ask(1, "QUIT") == [.write(.inbound(1), RESPValue.ok.bytes), .close(.inbound(1))])
    }

    /// A reader that takes reads for requests is right only where the network is kind.
    @Test func oneReadIsNoRequest() {
        for (flaws, answers) in [(RedisServerNode.Flaws(), 2), (.takesReadsForRequests, 1)] {
            var node = RedisServerNode(.kernel, flaws)
            _ = node.handle(.started(StreamStart(id: "r1", others: [], seed: 1)), at: .zero)
            _ = node.handle(.opened(.inbound(1)), at: .zero)
            let both = Array("PING\r\nPING\r\n".utf8)
            #expect(node.handle(.received(.inbound(1), both), at: .zero).count == answers)
            let half = node.handle(.received(.inbound(1), Array("*1\r\n$4\r\nPI".utf8)), at: .zero)
            #expect(half.contains(.close(.inbound(1))) == !flaws.isEmpty)
        }
    }
}
