import ChaosCore
import NodeKit

/// A small Redis server: one thread, one command after the other, whoever asks.
///
/// What survives its death is what it brought to the kernel or the disk before it answered; the
/// variants differ in that, and in how they find requests in what they read.
struct RedisServerNode: StreamNode {
    /// When the log's bytes leave the process, and how far they get.
    enum Persistence: Sendable {
        /// On the disk before the answer leaves (`appendfsync always`).
        case always
        /// In the kernel before the answer leaves, on the disk once a second (`everysec`).
        case everySecond
        /// In the kernel before the answer leaves, on the disk when the kernel likes (`no`).
        case kernel
        /// In this process once a second; the answer does not wait.
        case buffered
    }

    struct Flaws: OptionSet, Sendable {
        let rawValue: Int
        /// What one read brings is taken for one request.
        static let takesReadsForRequests = Flaws(rawValue: 1)
    }

    private static let timer = "store"

    let persistence: Persistence
    let flaws: Flaws
    var store = RedisStore()
    var sessions: [StreamID: RedisSession] = [:]
    private var nextSession: Int64 = 1
    /// Milliseconds since 1970 when the node's time began.
    private var origin: Int64 = 0
    /// The database that the log's last command is for.
    private var loggedDatabase: Int?

    init(_ persistence: Persistence = .always, _ flaws: Flaws = []) {
        self.persistence = persistence
        self.flaws = flaws
    }

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        switch input {
        case .started(let start): return self.start(start)
        case .opened(let stream):
            self.sessions[stream] = RedisSession(id: self.nextSession)
            self.nextSession += 1
            return []
        case .received(let stream, let bytes):
            guard self.sessions[stream] != nil else { return [] }
            return self.flaws.contains(.takesReadsForRequests)
                ? self.takeAsOneRequest(bytes, on: stream, at: now)
                : self.take(bytes, on: stream, at: now)
        case .ended(let stream, _):
            self.sessions[stream] = nil
            return []
        case .datagram: return []
        case .timer:
            let durability: StreamEffect.Durability =
                self.persistence == .buffered ? .kernel : .disk
            return [.store(durability), self.nextTimer]
        }
    }

    private var nextTimer: StreamEffect { .setTimer(Self.timer, after: .seconds(1)) }

    private mutating func start(_ start: StreamStart) -> [StreamEffect] {
        self.origin = start.date.wholeMilliseconds
        let replay = RedisLog.Replay(start.log, at: self.origin)
        if let damage = replay.damage {
            return [.crash("the log is damaged behind byte \(replay.byteCount): \(damage)")]
        }
        self.store = replay.store
        var effects: [StreamEffect] = []
        let torn = start.log.count - replay.byteCount
        if torn > 0 {
            effects += [
                .truncate(to: replay.byteCount),
                .report("cut \(torn) bytes off the log that a crash had left unfinished"),
            ]
        }
        switch self.persistence {
        case .always, .kernel: return effects
        case .everySecond, .buffered: return effects + [self.nextTimer]
        }
    }

    private mutating func take(
        _ bytes: [UInt8], on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        self.sessions[stream]?.parser.append(bytes)
        var effects: [StreamEffect] = []
        do {
            while let words = try self.sessions[stream]?.parser.next() {
                effects += self.carryOut(words, on: stream, at: now)
            }
        } catch {
            effects += self.refuse(error.description, on: stream)
        }
        return effects
    }

    private mutating func takeAsOneRequest(
        _ bytes: [UInt8], on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        var parser = RESPRequestParser()
        parser.append(bytes)
        do {
            guard let words = try parser.next() else {
                return self.refuse("Protocol error: half a request", on: stream)
            }
            return self.carryOut(words, on: stream, at: now)
        } catch {
            return self.refuse(error.description, on: stream)
        }
    }

    private mutating func refuse(_ reason: String, on stream: StreamID) -> [StreamEffect] {
        self.sessions[stream] = nil
        return [.write(stream, RESPValue.failure("ERR \(reason)").bytes), .close(stream)]
    }

    private mutating func carryOut(
        _ words: [[UInt8]], on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        guard let session = self.sessions[stream] else { return [] }
        let time = self.origin + now.wholeMilliseconds
        if let outcome = self.store.carryOut(words, on: session.database, at: time) {
            return self.log(outcome.changes, on: session.database)
                + [.write(stream, outcome.reply.bytes)]
        }
        return self.serve(words, on: stream)
    }

    /// Writes down what changed, and says how far it must get before the answer leaves.
    private mutating func log(_ changes: [[[UInt8]]], on database: Int) -> [StreamEffect] {
        if changes.isEmpty { return [] }
        var bytes: [UInt8] = []
        if self.loggedDatabase != database {
            self.loggedDatabase = database
            RedisLog.write(
                [Array("SELECT".utf8), RedisText.bytes(Int64(database))], to: &bytes)
        }
        for change in changes { RedisLog.write(change, to: &bytes) }
        switch self.persistence {
        case .always: return [.append(bytes), .store(.disk)]
        case .everySecond, .kernel: return [.append(bytes), .store(.kernel)]
        case .buffered: return [.append(bytes)]
        }
    }
}

/// One connection to the server.
struct RedisSession: Sendable {
    let id: Int64
    var database = 0
    var name: [UInt8] = []
    var parser = RESPRequestParser()
}

/// The log of a Redis server: the commands that changed something, as clients would send them. A real
/// Redis can read it (`redis-server --appendonly yes`).
enum RedisLog {
    static func write(_ words: [[UInt8]], to bytes: inout [UInt8]) {
        RESPValue.command(words).write(to: &bytes)
    }

    /// What the commands of a log come to.
    struct Replay {
        private(set) var store = RedisStore()
        /// How many bytes are whole commands; the rest is what a crash left unfinished.
        private(set) var byteCount = 0
        /// What is wrong behind them, where more than an end is missing.
        private(set) var damage: RESPError?

        init(_ log: [UInt8], at time: Int64) {
            var parser = RESPRequestParser()
            var database = 0
            parser.append(log)
            do {
                while let words = try parser.next() {
                    self.byteCount += RESPValue.command(words).bytes.count
                    if RedisText.lowercased(words[0]) == "select", words.count == 2 {
                        database = Int64(redis: words[1]).map(Int.init) ?? 0
                    } else {
                        // Times in a log are absolute, so it does not matter when it is read.
                        _ = self.store.carryOut(words, on: database, at: time)
                    }
                }
            } catch {
                self.damage = error
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
