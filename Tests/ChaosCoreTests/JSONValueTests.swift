import ChaosCore
import Testing

@Suite("JSON text")
struct JSONValueTests {
    @Test(
        "prints what it read",
        arguments: [
            "null", "true", "-12", "[1,2,[]]", "{\"b\":1,\"a\":{\"c\":\"x\\ny\"}}", "1.5", "\"é😀\"",
        ])
    func roundTrip(text: String) throws {
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test(
        "names the byte of a mistake",
        arguments: [
            ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("01", 0), ("1 2", 2),
            ("\"\u{01}\"", 1),
        ])
    func mistakes(text: String, offset: Int) {
        #expect {
            _ = try JSONValue(parsing: text)
        } throws: { ($0 as? JSONError)?.offset == offset }
    }

    @Test func readsSurrogatePairs() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == "😀")
    }

    @Test func refusesEndlessNesting() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }
}
