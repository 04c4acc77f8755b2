import ChaosCore
import Testing

@testable import NodeKit

@Suite("RESP")
struct RESPTests {
    private func values(_ text: String) throws -> [RESPValue] {
        var parser = RESPParser()
        parser.append(text.utf8)
        var values: [RESPValue] = []
        while let value = try parser.next() { values.append(value) }
        return values
    }

    // The vectors of the course's exercises.
    @Test func packsCommands() {
        let command = RESPValue.command(["SET", "mykey", "1"].map { Array($0.utf8) })
        #expect(
            String(decoding: command.bytes, as: UTF8.self)
                == "*3\r\n$3\r\nSET\r\n$5\r\nmykey\r\n$1\r\n1\r\n")
    }

    @Test func keepsWhatComesAfterAValue() throws {
        var parser = RESPParser()
        parser.append("+OK\r\ncruft".utf8)
        #expect(try parser.next() == .line("OK"))
        #expect(parser.rest == Array("cruft".utf8))
    }

    @Test func readsTheVectors() throws {
        #expect(try self.values("-ERR wrong type\r\n") == [.failure("ERR wrong type")])
        #expect(try self.values("+OK\r\n+COOL\r\n") == [.line("OK"), .line("COOL")])
        #expect(try self.values("$-1\r\n*-1\r\n") == [.absent, .absentArray])
        #expect(
            try self.values("*3\r\n:-7\r\n$0\r\n\r\n*1\r\n$-1\r\n")
                == [.array([.integer(-7), .bulk([]), .array([.absent])])])
    }

    @Test(arguments: ["+OK", "+OK\r"])
    func goesOnWhereAReadEnded(first: String) throws {
        var parser = RESPParser()
        parser.append(first.utf8)
        #expect(try parser.next() == nil)
        #expect(!parser.isAtBoundary)
        parser.append("+OK\r\n".utf8.dropFirst(first.utf8.count))
        #expect(try parser.next() == .line("OK"))
        #expect(parser.isAtBoundary)
    }

    /// Every reply, cut at every byte, and byte for byte.
    @Test func readsTheSameHoweverItIsCut() throws {
        let text =
            "+OK\r\n-ERR no\r\n:9223372036854775807\r\n$5\r\na\r\nb\n\r\n*2\r\n*0\r\n*2\r\n$1\r\nx\r\n:0\r\n"
            + "$-1\r\n*-1\r\n"
        let bytes = Array(text.utf8)
        let whole = try self.values(text)
        #expect(whole.count == 7)
        for cut in 0...bytes.count {
            var parser = RESPParser()
            var values: [RESPValue] = []
            for part in [bytes[..<cut], bytes[cut...]] {
                parser.append(part)
                while let value = try parser.next() { values.append(value) }
            }
            #expect(values == whole, "cut at \(cut)")
        }
        var parser = RESPParser()
        var values: [RESPValue] = []
        for byte in bytes {
            parser.append([byte])
            while let value = try parser.next() { values.append(value) }
        }
        #expect(values == whole)
    }

    @Test func readsWhatItWrote() throws {
        var generator = Seed(3).generator
        for _ in 0..<2000 {
            let value = Self.random(&generator, depth: 0)
            var parser = RESPParser()
            parser.append(value.bytes)
            #expect(try parser.next() == value)
            #expect(parser.isAtBoundary)
        }
    }

    private static func random(_ generator: inout Generator, depth: Int) -> RESPValue {
        func bytes(_ generator: inout Generator) -> [UInt8] {
            (0..<generator.next(below: 20)).map { _ in UInt8(generator.next(below: 256)) }
        }
        func line(_ generator: inout Generator) -> [UInt8] {
            bytes(&generator).filter { $0 != 0x0A && $0 != 0x0D }
        }
        switch generator.next(below: depth < 4 ? 7 : 6) {
        case 0: return .simple(line(&generator))
        case 1: return .error(line(&generator))
        case 2: return .integer(Int64(bitPattern: generator.next()))
        case 3: return .bulk(bytes(&generator))
        case 4: return .absent
        case 5: return .absentArray
        default:
            let count = generator.next(below: 4)
            return .array((0..<count).map { _ in Self.random(&generator, depth: depth + 1) })
        }
    }

    @Test func aLargeValueInSmallPiecesIsNotReadAgainAndAgain() throws {
        let payload = [UInt8](repeating: 0x61, count: 8 << 20)
        let bytes = RESPValue.bulk(payload).bytes
        var parser = RESPParser()
        var found: RESPValue?
        // 8 MiB, 1000 bytes at a time: quadratic work would take minutes.
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            parser.append(bytes[start..<min(start + 1000, bytes.count)])
            if let value = try parser.next() { found = value }
        }
        #expect(found == .bulk(payload))
    }

    @Test(arguments: [
        ("x", "a value starts with one of + - : $ *, found 'x'"),
        ("\r\n", "a value starts with one of + - : $ *, found '\\r'"),
        (":1x\r\n", "an integer is a whole number of 64 bits, found '1x'"),
        (
            ":9223372036854775808\r\n",
            "an integer is a whole number of 64 bits, found '9223372036854775808'"
        ),
        ("$-2\r\n", "the length of a bulk string is from -1 to 536870912, found '-2'"),
        (
            "$536870913\r\n",
            "the length of a bulk string is from -1 to 536870912, found '536870913'"
        ),
        ("$x\r\n", "the length of a bulk string is a whole number of 64 bits, found 'x'"),
        ("*1048577\r\n", "the length of an array is from -1 to 1048576, found '1048577'"),
        ("$1\r\nabc", "\\r\\n ends a bulk string, found 'bc'"),
        ("+a\n", "a line ends with \\r\\n, found '+a\\n'"),
        ("+a\rb\r\n", "a line ends with \\r\\n, found '+a\\rb\\r\\n'"),
    ])
    func saysWhatIsNoValue(text: String, sentence: String) throws {
        var parser = RESPParser()
        parser.append(text.utf8)
        #expect { _ = try parser.next() } throws: { "\($0)" == sentence }
        // And nothing that comes later makes it right.
        parser.append("+OK\r\n".utf8)
        #expect { _ = try parser.next() } throws: { "\($0)" == sentence }
    }

    @Test func boundsLinesAndDepth() {
        var limits = RESPLimits()
        limits.line = 8
        var parser = RESPParser(limits: limits)
        parser.append("+123456789abcdef".utf8)
        #expect { _ = try parser.next() } throws: {
            "\($0)" == "a line has at most 8 bytes, found more"
        }
        var deep = RESPParser()
        deep.append(String(repeating: "*1\r\n", count: 33).utf8)
        #expect { _ = try deep.next() } throws: { "\($0)" == "arrays nest at most 32 levels deep" }
    }
}

@Suite("RESP requests")
struct RESPRequestTests {
    private func commands(_ text: String, cutEvery size: Int? = nil) throws -> [[String]] {
        var parser = RESPRequestParser()
        let bytes = Array(text.utf8)
        var commands: [[String]] = []
        for start in stride(from: 0, to: bytes.count, by: size ?? max(1, bytes.count)) {
            parser.append(bytes[start..<min(bytes.count, start + (size ?? bytes.count))])
            while let words = try parser.next() {
                commands.append(words.map { String(decoding: $0, as: UTF8.self) })
            }
        }
        return commands
    }

    @Test(arguments: [nil, 1, 2, 7])
    func readsArraysAndInlineCommands(size: Int?) throws {
        let text =
            "*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\nPING\r\n\r\nSET  \"a b\\x41\\n\" 'c\\'d'\n*0\r\n*-1\r\nQUIT\n"
        #expect(
            try self.commands(text, cutEvery: size) == [
                ["GET", "a\r\n"], ["PING"], ["SET", "a bA\n", "c'd"], ["QUIT"],
            ])
    }

    /// Redis's own texts.
    @Test(arguments: [
        ("*x\r\n", "Protocol error: invalid multibulk length"),
        ("*1048577\r\n", "Protocol error: invalid multibulk length"),
        ("*1\r\n:1\r\n", "Protocol error: expected '$', got ':'"),
        ("*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$+1\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"),
        ("GET \"a\r\n", "Protocol error: unbalanced quotes in request"),
        ("GET \"a\"b\r\n", "Protocol error: unbalanced quotes in request"),
    ])
    func refusesAsRedisDoes(text: String, sentence: String) {
        #expect { _ = try self.commands(text) } throws: { "\($0)" == sentence }
    }

    /// What is too long shows before its end has come. Not arguments, which would be printed.
    @Test func refusesWhatIsTooLong() {
        for (start, sentence) in [
            ("", "Protocol error: too big inline request"),
            ("*", "Protocol error: too big mbulk count string"),
            ("*1\r\n$", "Protocol error: too big bulk count string"),
        ] {
            let text = start + String(repeating: "1", count: 65540)
            #expect { _ = try self.commands(text) } throws: { "\($0)" == sentence }
        }
    }
}
