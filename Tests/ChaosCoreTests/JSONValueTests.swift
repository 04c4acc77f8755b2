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
            ("\"\u{01}\"", 1), (#""\u+123""#, 3), (#""\u-000""#, 3),
            ("[1e999]", 1), ("-1e999", 0),
        ])
    func mistakes(text: String, offset: Int) {
        #expect {
            _ = try JSONValue(parsing: text)
        } throws: { ($0 as? JSONError)?.offset == offset }
    }

    @Test func readsSurrogatePairs() throws {
        #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == "😀")
    }

    /// With a search per member this takes minutes, and whoever may send a line could stop a run.
    @Test func readsObjectsOfManyMembers() throws {
        let keys = (0..<100_000).map { "k\($0)" }
        let members = (keys + ["k7"]).map { "\"\($0)\":1" }.joined(separator: ",")
        let value = try JSONValue(parsing: "{\(members)}")
        #expect(value.objectValue?.members.map(\.key) == keys)
        let reversed = JSONValue.object(
            JSONObject(Array((value.objectValue?.members ?? []).reversed())))
        #expect(value == reversed)
        #expect(value.hashValue == reversed.hashValue)
    }

    @Test func theLastOfManyMembersWithOneKeyWins() throws {
        let members = (0..<40).map { "\"\($0 % 20)\":\($0)" }.joined(separator: ",")
        let value = try JSONValue(parsing: "{\(members)}")
        #expect(value.objectValue?.members.map(\.key) == (0..<20).map(String.init))
        #expect(value["3"] == 23)
    }

    @Test func refusesEndlessNesting() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }
}
