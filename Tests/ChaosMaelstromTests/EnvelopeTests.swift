import ChaosCore
import Testing

@testable import ChaosMaelstrom

@Suite("Envelopes of Maelstrom messages")
struct EnvelopeTests {
    private func read(_ text: String) -> Result<Envelope, EnvelopeError> {
        do throws(EnvelopeError) { return .success(try Envelope(of: Array(text.utf8))) } catch {
            return .failure(error)
        }
    }

    private func rule(_ text: String) -> String? {
        if case .failure(let error) = self.read(text) { return error.rule }
        return nil
    }

    @Test func findsThePartsWhereverTheyStand() throws {
        let line = Array(
            #" { "body" : {"type":"x","deep":[{"a":[1,2.5e3,-0]}, "\u00e9\""]} ,"dest":"n2", "src":"n1" } "#
                .utf8)
        let envelope = try Envelope(of: line)
        #expect(envelope.source == "n1")
        #expect(envelope.destination == "n2")
        #expect(envelope.body(of: line)["deep"]?.arrayValue?[1] == "é\"")
        #expect(envelope.extraMembers.isEmpty)
        let numbered = envelope.numbered(line, as: 7)
        let json = try JSONValue(parsing: numbered)
        #expect(json["id"] == 7)
        #expect(json["body"]?["type"] == "x")
    }

    @Test func keepsANumberThatIsThere() throws {
        let line = Array(#"{"id":3,"src":"n1","dest":"n2","body":{},"note":null}"#.utf8)
        let envelope = try Envelope(of: line)
        #expect(envelope.numbered(line, as: 9) == line)
        #expect(envelope.extraMembers == ["note"])
    }

    @Test func readsNamesWithEscapes() throws {
        let envelope = try Envelope(of: Array(#"{"src":"n\u0031","dest":"n2","body":{}}"#.utf8))
        #expect(envelope.source == "n1")
    }

    @Test func saysWhatIsWrong() {
        #expect(self.rule("starting up") == "a message is one JSON object on a line")
        #expect(self.rule("[1]") == "a message is one JSON object on a line")
        #expect(
            self.rule(#"{"src":"n1","dest":"n2","body":{}}{"src":"n1","dest":"n2","body":{}}"#)
                == "a line holds one message, and here a second one begins at byte 34")
        #expect(
            self.rule(#"{"src":"n1","dest":"n2","body":{}} ok"#)
                == "a line holds one message and nothing more, but goes on at byte 35")
        #expect(
            self.rule(#"{"dest":"n2","body":{}}"#) == "a message has its sender's name in 'src'")
        #expect(
            self.rule(#"{"src":"n1","dest":2,"body":{}}"#)
                == "a message has its receiver's name as a text in 'dest'")
        #expect(self.rule(#"{"src":"n1","dest":"n2"}"#) == "a message has an object in 'body'")
        #expect(
            self.rule(#"{"src":"n1","dest":"n2","body":[]}"#) == "a message has an object in 'body'"
        )
        #expect(
            self.rule(#"{"src":"n1","dest":"n2","body":{"a":tru}}"#)
                == "a message is one JSON object on a line: byte 36: "
                + "a value is an object, array, string, number, true, false or null")
        #expect(
            self.rule(#"{"src":"n1","dest":"n2","body":{"a":1"#)
                == "a message is one JSON object on a line: byte 37: a comma or '}' follows a member"
        )
        #expect(
            self.rule(String(repeating: "[", count: 600))
                == "a message is one JSON object on a line")
    }

    @Test func aTextThatIsNoUTF8IsNoMessage() {
        let latin =
            Array(#"{"src":"n1","dest":"n2","body":{"a":"caf"#.utf8) + [0xE9] + Array("\"}}".utf8)
        let error = #expect(throws: EnvelopeError.self) { try Envelope(of: latin) }
        #expect(
            error?.rule
                == "a message is one JSON object on a line: byte 41: the string that ends here is UTF-8"
                + " (RFC 8259 section 8.1)")
        #expect(self.rule(#"{"src":"n1","dest":"n2","body":{"ä":"日本 😀"}}"#) == nil)
    }

    @Test(arguments: [
        (#"{"in_reply_to":1}"#, "1"), (#"{"a":{"in_reply_to":2},"in_reply_to": "x"}"#, #""x""#),
        (#"{"a":{"in_reply_to":2}}"#, nil), ("{}", nil),
    ])
    func tellsWhatAMessageAnswers(body: String, reference: String?) throws {
        let line = Array(#"{"src":"n1","body":\#(body),"dest":"c1"}"#.utf8)
        let found = try Envelope(of: line).reference(in: line)
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == reference)
    }

    /// What the bridge takes for a message every reader of JSON must take too, and the other way round.
    @Test func agreesWithTheReaderOfValues() {
        let bodies = [
            "{}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":-}", "{\"a\":1e}", "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{,}", "{\"a\"}", "{\"a\":}",
            "{\"a\":nul}", "{\"a\":\"\t\"}", "{\"a\":-0.0e-5}", "{\"a\":[[],{}]}", "{a:1}",
        ]
        for body in bodies {
            let isValue = (try? JSONValue(parsing: body)) != nil
            let isMessage = self.rule(#"{"src":"n1","dest":"n2","body":\#(body)}"#) == nil
            #expect(isValue == isMessage, "\(body)")
        }
    }
}
