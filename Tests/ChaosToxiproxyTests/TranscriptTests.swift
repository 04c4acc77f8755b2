import ChaosToxiproxy
import Testing

@Suite("Golden transcript")
struct TranscriptTests {
    private static let all: [(name: String, text: String)] = [
        ("creating", Transcripts.creating), ("routes", Transcripts.routes),
        ("updating", Transcripts.updating), ("toxics", Transcripts.toxics),
        ("populating", Transcripts.populating),
    ]

    @Test("every answer is word for word what clients expect", arguments: Self.all.map(\.name))
    func matches(_ name: String) async throws {
        let text = try #require(Self.all.first { $0.name == name }?.text)
        let plane = FakePlane()
        // Somebody else's port.
        await plane.take(6666)
        let api = Toxiproxy(plane: plane, version: "2.12.0")
        let transcript = Transcript(text)
        let played = await transcript.play(on: api)
        let expected = transcript.lines.joined(separator: "\n")
        for (got, wanted) in zip(played.split(separator: "\n"), transcript.lines) {
            #expect(got == wanted)
        }
        #expect(played.split(separator: "\n").count == expected.split(separator: "\n").count)
    }
}
