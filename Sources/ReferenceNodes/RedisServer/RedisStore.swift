import NodeKit

/// The data of a small Redis and what its commands do to it: a value with one function.
///
/// It answers as Redis 7.0 does, errors included, for the commands that it has; what it has not is an
/// unknown command.
struct RedisStore: Sendable {
    static let databaseCount = 16

    /// A command that was carried out.
    struct Outcome {
        var reply: RESPValue
        /// The commands that do the same to another copy at any later time; none where nothing
        /// changed.
        var changes: [[[UInt8]]] = []

        init(_ reply: RESPValue, changes: [[[UInt8]]] = []) {
            self.reply = reply
            self.changes = changes
        }
    }

    /// Why a command is not carried out: its error reply. Nothing has changed.
    struct Refusal: Error {
        let reply: RESPValue

        init(_ text: String) { self.reply = .failure(text) }

        static let syntax = Refusal("ERR syntax error")
        static let wrongType = Refusal(
            "WRONGTYPE Operation against a key holding the wrong kind of value")
        static let notAnInteger = Refusal("ERR value is not an integer or out of range")
    }

    var databases = [RedisDatabase](repeating: RedisDatabase(), count: Self.databaseCount)

    /// Carries out a command of the store on a database; `nil` where the store has no such command.
    ///
    /// - Parameters:
    ///   - words: The command's name in any case, and its arguments.
    ///   - time: Milliseconds since 1970.
    mutating func carryOut(
        _ words: [[UInt8]], on database: Int, at time: Int64
    ) -> Outcome? {
        let name = RedisText.lowercased(words[0])
        guard let command = RedisCommand.all[name] else { return nil }
        guard command.accepts(words.count) else { return Outcome(RedisText.wrongArity(name)) }
        var call = RedisCall(words: words, name: name, time: time, database: database)
        do {
            return try command.run(&self, &call)
        } catch {
            return Outcome(error.reply)
        }
    }
}

/// One call of a command.
struct RedisCall {
    let words: [[UInt8]]
    /// The command's name in lower case.
    let name: String
    /// Milliseconds since 1970.
    let time: Int64
    let database: Int

    var key: [UInt8] { self.words[1] }

    /// An argument that must be a number.
    func number(_ index: Int) throws(RedisStore.Refusal) -> Int64 {
        guard let number = Int64(redis: self.words[index]) else { throw .notAnInteger }
        return number
    }
}

/// A command of the store.
struct RedisCommand: Sendable {
    typealias Run =
        @Sendable (inout RedisStore, inout RedisCall) throws(RedisStore.Refusal) ->
        RedisStore.Outcome

    /// The number of words, the name included; negative: at least so many.
    let arity: Int
    let run: Run

    init(_ arity: Int, _ run: @escaping Run) {
        self.arity = arity
        self.run = run
    }

    func accepts(_ count: Int) -> Bool { RedisText.accepts(self.arity, count) }

    /// All commands of the store, by name in lower case.
    static let all: [String: RedisCommand] = Self.keys
        .merging(Self.strings) { $1 }.merging(Self.lists) { $1 }
}

/// Words of the protocol.
enum RedisText {
    /// ASCII letters in lower case; what is no ASCII is compared as it is.
    static func lowercased(_ bytes: [UInt8]) -> String {
        String(
            decoding: bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    static func bytes(_ number: Int64) -> [UInt8] { Array(String(number).utf8) }

    static func accepts(_ arity: Int, _ count: Int) -> Bool {
        arity < 0 ? count >= -arity : count == arity
    }

    static func wrongArity(_ name: String) -> RESPValue {
        .failure("ERR wrong number of arguments for '\(name)' command")
    }

    /// What Redis answers to a command that it does not know: with what was asked, shortened.
    static func unknownCommand(_ words: [[UInt8]]) -> RESPValue {
        var text = Array("ERR unknown command '".utf8) + words[0].prefix(128)
        text += Array("', with args beginning with: ".utf8)
        var arguments: [UInt8] = []
        for word in words.dropFirst() {
            if arguments.count >= 128 { break }
            arguments += [0x27] + word.prefix(128 - arguments.count) + [0x27, 0x20]
        }
        return .error(text + arguments)
    }

    static func unknownSubcommand(_ words: [[UInt8]]) -> RESPValue {
        let command = String(decoding: words[0], as: UTF8.self).uppercased()
        let found = String(decoding: words[1].prefix(128), as: UTF8.self)
        return .failure("ERR unknown subcommand '\(found)'. Try \(command) HELP.")
    }
}
