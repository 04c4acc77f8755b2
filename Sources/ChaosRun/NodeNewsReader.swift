import ChaosCluster

/// Brings what the supervisor tells to the run: in order, and on request all that was told before.
final class NodeNewsReader: Sendable {
    /// What the supervisor tells.
    enum News: Sendable {
        case event(NodeEvent)
        case line(NodeLine)
        /// Everything told before has been taken.
        case mark(CheckedContinuation<Void, Never>)
    }

    private let continuation: AsyncStream<News>.Continuation
    private let reader: Task<Void, Never>

    /// Starts to read; `take` gets one after the other.
    init(_ take: @escaping @Sendable (News) async -> Void) {
        let (stream, continuation) = AsyncStream<News>.makeStream(bufferingPolicy: .unbounded)
        self.continuation = continuation
        self.reader = Task {
            for await news in stream {
                if case .mark(let waiting) = news { waiting.resume() } else { await take(news) }
            }
        }
    }

    /// Tells something; never waits.
    func tell(_ news: News) { self.continuation.yield(news) }

    /// Waits until everything told so far has been taken, and takes no more.
    func finish() async {
        await withCheckedContinuation { waiting in
            // A stream that has ended already has nothing left either.
            if case .terminated = self.continuation.yield(.mark(waiting)) { waiting.resume() }
        }
        self.continuation.finish()
        await self.reader.value
    }
}
