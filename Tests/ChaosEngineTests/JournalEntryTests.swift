import ChaosCore
import Testing

@testable import ChaosEngine

@Suite("Lines of the journal")
struct JournalEntryTests {
    private static func summary(_ change: (inout DirectionSummary) -> Void) -> DirectionSummary {
        var summary = DirectionSummary()
        summary.counters.received = 12
        summary.counters.written = 34
        change(&summary)
        return summary
    }

    @Test func theQuickTextOfAConnectionIsThatOfItsObject() {
        let link = Link("n1", "eu-2.a", "peer")
        let at = Instant(nanoseconds: 1_234_567_891)
        let summaries = [
            Self.summary { _ in }, Self.summary { $0.counters.lost = 5 },
            Self.summary { $0.counters.duplicated = 6 },
            Self.summary { $0.counters.discarded = 7 },
            Self.summary {
                $0.decisions = 8
                $0.fingerprint = 0xabcdef
            },
        ]
        var entries = [
            JournalEntry(at: at, opened: link, ordinal: 3),
            JournalEntry(at: at, event: "warning", details: ["message": "a \"quoted\" one"]),
        ]
        for forward in summaries {
            for backward in summaries {
                entries.append(
                    JournalEntry(
                        at: at, closed: link, ordinal: 3, forward: forward, backward: backward))
            }
        }
        for entry in entries {
            var text = ""
            entry.write(to: &text)
            #expect(text == entry.json.text)
        }
        #expect(
            entries[0].json.text
                == #"{"t":1.234567,"event":"connection","state":"opened","link":"n1->eu-2.a:peer","connection":3}"#
        )
    }
}
