import ChaosCore
import NodeKit
import Testing

@Suite("Messages")
struct MessageTests {
    @Test func areOneLineOfJSON() throws {
        let message = Message(
            from: "c1", to: "n1", body: ["type": "echo", "msg_id": 7, "echo": "a\nb"])
        let line = #"{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":7,"echo":"a\nb"}}"#
        #expect(message.line == line)
        #expect(try Message(parsing: line.utf8) == message)
        #expect(message.type == "echo")
        #expect(message.id == 7)
        #expect(message.inReplyTo == nil)
    }

    @Test func ignoreWhatMaelstromAdds() throws {
        let line = #"{"id":3,"dest":"n1","body":{"type":"x","in_reply_to":2},"src":"n2"}"#
        #expect(try Message(parsing: line.utf8).inReplyTo == 2)
    }

    @Test(arguments: [
        ("nonsense", "a message is one JSON object on a line: byte 0: a value must be an object"),
        ("[]", "a message has its sender's name in 'src'"),
        (#"{"src":"c1","body":{}}"#, "a message has its receiver's name in 'dest'"),
        (#"{"src":"c1","dest":"n1","body":[]}"#, "a message has an object with a 'type' in 'body'"),
        (#"{"src":"c1","dest":"n1","body":{}}"#, "a message has an object with a 'type' in 'body'"),
    ])
    func saysWhyALineIsNoMessage(line: String, sentence: String) {
        #expect {
            _ = try Message(parsing: line.utf8)
        } throws: {
            "\($0)".hasPrefix(sentence)
        }
    }

    @Test func knowsWhichErrorsAreDefinite() {
        let definite = (0...40).filter { ErrorCode(rawValue: $0).isDefinite }
        #expect(definite == [1, 10, 11, 12, 14, 20, 21, 22, 30])
        #expect(!ErrorCode(rawValue: 1000).isDefinite)
    }
}
