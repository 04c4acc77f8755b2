import ChaosCore

// The way through the chain: what the pipeline lets go moves into the chain as fast as that takes it,
// and only what leaves the chain is done.

extension StreamPipeline {
    /// The next thing to do, or `nil`; then ``deadlineThroughChain`` says when to ask again.
    mutating func nextThroughChain(
        at now: Instant, isSinkReady: Bool, gates: Gates, context: MessageContext
    ) -> PipelineAction? {
        guard let chain = self.chain else {
            return self.next(at: now, isSinkReady: isSinkReady, gates: gates, context: context)
        }
        chain.limit = self.link.network.shareOfQueues
        defer {
            for stage in chain.takeNews() { context.journal.struck(stage, self) }
            for entry in chain.takeEntries() { context.journal.adopt(entry, self) }
        }
        while true {
            var isDry = false
            if chain.accepts(at: now) {
                switch self.next(at: now, isSinkReady: true, gates: gates, context: context) {
                case .write(let chunk): chain.take(chunk, at: now)
                case .closeWriting: chain.take(.finished, at: now)
                case .reset: chain.take(.reset, at: now)
                case .close: return .close
                case nil: isDry = true
                }
            }
            switch chain.next(at: now, isSinkReady: isSinkReady) {
            case .write(let chunk): return .write(chunk)
            case .closeWriting: return .closeWriting
            case .reset: return .reset
            case .close: return .close
            case nil: if isDry || !chain.accepts(at: now) { return nil }
            }
        }
    }

    /// When to ask for the next action if nothing happens before.
    var deadlineThroughChain: Instant {
        guard let chain = self.chain else { return self.deadline }
        // What the pipeline waits for does not matter while the chain takes nothing.
        return chain.isFull ? chain.wakeAt : min(chain.wakeAt, self.deadline)
    }

    /// Where all bytes are, in the chain too.
    var countersThroughChain: DirectionCounters {
        guard let chain = self.chain else { return self.counters }
        var counters = self.counters
        counters.written += chain.added - chain.queued - chain.lost - chain.discarded
        counters.queued += chain.queued
        counters.lost += chain.lost
        counters.duplicated += chain.added
        counters.discarded += chain.discarded
        return counters
    }
}
