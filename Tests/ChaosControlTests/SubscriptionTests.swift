import ChaosControl
import ChaosCore
import Testing

@Suite("Subscriptions")
struct SubscriptionTests {
    @Test func eventsFollowTheReply() async throws {
        let run = BookkeepingRun()
        try await withServer(for: run) { path in
            let watcher = try RawClient(path)
            #expect(
                try await watcher.ask(#"{"id":1,"op":"subscribe"}"#)
                    == ["id": 1, "ok": true, "result": ["subscribed": true]])
            let operatorClient = try RawClient(path)
            _ = try await operatorClient.ask(
                #"{"id":1,"op":"partition","partition":"n1 / n2","mode":"reject","for":"10s"}"#)
            let event = try await watcher.readJSON()
            #expect(
                event == [
                    "event": "injected", "at": 12.0, "id": "p1", "kind": "partition",
                    "text": "n1 / n2", "mode": "reject", "links": ["n1->n2", "n2->n1"],
                    "origin": "control", "since": 12.0, "until": 22.0,
                ])
        }
    }

    @Test func requestsAndEventsShareAConnection() async throws {
        let run = BookkeepingRun()
        try await withServer(for: run) { path in
            let client = try RawClient(path)
            _ = try await client.ask(#"{"id":1,"op":"subscribe"}"#)
            #expect(
                try await client.ask(#"{"id":2,"op":"subscribe"}"#)?["error"]?["message"]
                    == "this connection is subscribed already")
            #expect(try await client.ask(#"{"id":3,"op":"ping"}"#)?["id"] == 3)
        }
    }

    @Test func aSubscriberMayCloseItsHalfAndStillHearsEverythingUpToTheEnd() async throws {
        let run = BookkeepingRun()
        try await withServer(for: run) { path in
            let watcher = try RawClient(path)
            try await watcher.write("{\"op\":\"subscribe\"}\n")
            watcher.finishWriting()
            _ = try await watcher.readLine()
            run.feed.publish(.warning("one", at: .start))
            run.feed.publish(.end(verdict: "valid", at: .start))
            run.feed.finish()
            #expect(try await watcher.readJSON()?["text"] == "one")
            #expect(try await watcher.readJSON()?["verdict"] == "valid")
            #expect(try await watcher.readLine() == nil)
        }
    }

    @Test func aStalledSubscriberMissesEventsIsToldAndStopsNobody() async throws {
        let run = BookkeepingRun()
        try await withServer(for: run) { path in
            let stalled = try RawClient(path)
            _ = try await stalled.ask(#"{"id":1,"op":"subscribe"}"#)
            let reader = try await ControlClient.connect(to: path, patience: .seconds(60))
            var events = try await reader.events().makeAsyncIterator()
            let text = String(repeating: "x", count: 10_000)
            let count: Int64 = 120
            for number in 0..<count {
                run.feed.publish(.warning("\(number) \(text)", at: .start))
                // The other subscriber gets each of them while this one reads nothing.
                #expect(await events.next()?["event"] == "warning")
            }
            _ = try await RawClient(path).ask(#"{"id":1,"op":"status"}"#)
            run.feed.finish()

            var seen: Int64 = 0
            var missed: Int64 = 0
            while let event = try await stalled.readJSON() {
                if event["event"] == "missed" {
                    missed += event["count"]?.intValue ?? 0
                } else {
                    seen += 1
                }
            }
            #expect(missed > 0)
            #expect(seen + missed == count)
            await reader.close()
        }
    }

    @Test func aFeedCountsWhatASubscriberHasNoRoomFor() async throws {
        let feed = EventFeed(capacity: 2)
        var events = feed.subscribe().makeAsyncIterator()
        for number in 1...5 { feed.publish(.warning("\(number)", at: .start)) }
        #expect(await events.next()?["text"] == "1")
        #expect(await events.next()?["text"] == "2")
        feed.publish(.warning("6", at: .start))
        #expect(await events.next() == ["event": "missed", "count": 3])
        #expect(await events.next()?["text"] == "6")
        feed.finish()
        #expect(await events.next() == nil)
        var late = feed.subscribe().makeAsyncIterator()
        #expect(await late.next() == nil)
    }
}
