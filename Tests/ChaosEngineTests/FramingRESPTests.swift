import ChaosCore
import ChaosEngine
import FuzzTargets
import Testing

@Suite("RESP framing")
struct FramingRESPTests {
    @Test func requestsAreArraysOrInlineCommands() {
        let set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n*1\r\n"
        #expect(
            Framer.pieces(.resp, .requests, of: "PING\r\n\(set)*0\r\n*-1\r\nGET k\n\r\n")
                == [
                    .message("PING\r\n"), .message(set), .message("*0\r\n"), .message("*-1\r\n"),
                    .message("GET k\n"), .message("\r\n"),
                ])
    }

    @Test(arguments: [
        "+OK\r\n", "-ERR no such key\r\n", ":1000\r\n", "$5\r\nhello\r\n", "$0\r\n\r\n", "$-1\r\n",
        "*-1\r\n", "*0\r\n", "*2\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n+x\r\n", "_\r\n", "#t\r\n",
        ",1.23\r\n", "(3492890328409238509324850943850943825024385\r\n", "!5\r\nERR x\r\n",
        "=7\r\ntxt:abc\r\n", "%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:2\r\n:3\r\n", "~2\r\n+a\r\n+b\r\n",
        ">3\r\n+message\r\n+channel\r\n$2\r\n\r\n\r\n", "%0\r\n",
        // Attributes describe the value behind them, at the top and inside.
        "|1\r\n+ttl\r\n:3600\r\n$1\r\nv\r\n", "*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n",
        "|0\r\n+x\r\n",
        // Lengths that are told at the end.
        "$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n", "*?\r\n:1\r\n*1\r\n:2\r\n.\r\n",
        "%?\r\n+a\r\n:1\r\n.\r\n",
        "*1\r\n*?\r\n.\r\n",
        // A carriage return inside a line is part of it.
        "+a\rb\r\n",
    ])
    func everyTypeOfReplyIsOneMessage(reply: String) {
        #expect(
            Framer.pieces(.resp, .responses, of: reply + reply + ":1\r\n" + reply.dropLast())
                == [
                    .message(reply), .message(reply), .message(":1\r\n"),
                    .unfinished(String(reply.dropLast())),
                ])
    }

    @Test func pushesAreMessagesOfTheirOwn() {
        let push = ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n"
        #expect(
            Framer.pieces(.resp, .responses, of: "+OK\r\n\(push)+OK\r\n")
                == [.message("+OK\r\n"), .message(push), .message("+OK\r\n")])
    }

    @Test(arguments: [
        ("*1\r\n:1\r\n", "an argument starts with '$', found ':'"),
        ("*1\r\n$-1\r\n", "an argument has a length of 0 or more"),
        ("*?\r\n", "a command's length is a number"),
        ("*1\n", "a length is '?' or a number below 2^62, found '\\x0a'"),
        ("*-\r\n", "a length is '?' or a number below 2^62, found '\\x0d'"),
        ("*\r\n", "a length is '?' or a number below 2^62, found '\\x0d'"),
        ("*1 \r\n", "a length is '?' or a number below 2^62, found ' '"),
        ("*99999999999999999999\r\n", "a length is '?' or a number below 2^62"),
        ("*1\r\n$2\r\nabc\r\n", "\\r\\n ends a value, found 'c'"),
        ("*1\r\n$2\r\nab\n", "\\r\\n ends a value, found '\\x0a'"),
        ("*1\r\n$2\r\nab\r\r\n", "\\r\\n ends a value, found '\\x0d'"),
        ("\u{16}\u{03}\u{01}", "a command is an array or a line of text, found '\\x16'"),
        ("GET\u{0}\r\n", "a command is an array or a line of text, found '\\x00'"),
    ])
    func requestsLoseSync(text: String, reason: String) {
        #expect(Framer.reason(.resp, .requests, text) == reason)
    }

    @Test(arguments: [
        ("OK\r\n", "a reply starts with the sign of a type, found 'O'"),
        ("+OK\n", "a line ends with \\r\\n, found \\n alone"),
        (";1\r\na\r\n", "a reply starts with the sign of a type, found ';'"),
        (".\r\n", "a reply starts with the sign of a type, found '.'"),
        ("*1\r\n.\r\n", "a reply starts with the sign of a type, found '.'"),
        ("$?\r\n+a\r\n", "a piece of a string starts with ';', found '+'"),
        ("$?\r\n;-1\r\n", "a piece of a string has a length of 0 or more"),
        ("*?\r\n.x\r\n", "\\r\\n ends a value, found 'x'"),
    ])
    func repliesLoseSync(text: String, reason: String) {
        #expect(Framer.reason(.resp, .responses, text) == reason)
    }

    @Test func endlessNestingLosesSync() {
        let levels = String(repeating: "*1\r\n", count: 1024)
        let reason = "values nest at most 1024 levels deep"
        #expect(Framer.reason(.resp, .responses, levels + "*1\r\n") == reason)
        #expect(Framer.reason(.resp, .responses, levels + ":1\r\n") == nil)
    }

    @Test func bytesBehindTheLossPassWithTheUnfinishedMessage() {
        #expect(
            Framer.pieces(.resp, .responses, of: "+OK\r\n*2\r\n:1\r\n?x+OK\r\n")
                == [.message("+OK\r\n"), .rest("*2\r\n:1\r\n?x+OK\r\n")])
    }

    @Test func aCorruptedLengthLosesSync() {
        let good = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
        let bad = "*2\r\n$2\r\nGET\r\n$1\r\nk\r\n"
        #expect(
            Framer.pieces(.resp, .requests, of: good + bad + good)
                == [.message(good), .rest(bad + good)])
    }

    @Test func valuesOverTheLimitPassAndSyncIsKept() {
        let long = "*2\r\n$10\r\n0123456789\r\n:1\r\n"
        #expect(
            Framer.pieces(.resp, .responses, of: "+OK\r\n\(long)+OK\r\n", limit: 20)
                == [.message("+OK\r\n"), .passed(long), .message("+OK\r\n")])
    }
}
