import ChaosCore
import NodeKit

// S11: the first node splits a job into tasks, the others do them, however often somebody dies.
//
//     submit{job, fn, input} -> submit_ok       fn: words (counts them) or lines (counts lines)
//     result{job}            -> result_ok{state: running | done | failed, counts}    error 20
//     results                -> results_ok{results: {job: how often its result was given out}}
//
// Between nodes: ready   work{task, attempt, fn, input}   working{task}   finished{task, attempt, counts}

extension ReferenceSystem {
    static let mapReduceManager = ReferenceSystem(
        name: "map-reduce-manager",
        summary: "word counts by many workers, with results in messages",
        variants: [
            Variant("merges-once", "notes a result, then merges all, once; gives up on poison") {
                MapReduceNode()
            },
            Variant("last-chunk", "merges what it had before the last result came") {
                MapReduceNode(.mergesTooEarly)
            },
            Variant("answers-again", "a result that comes again ends the job again") {
                MapReduceNode(.endsAgain)
            },
            Variant("no-leases", "a lost task is waited for, for ever") {
                MapReduceNode(.neverExpires)
            },
        ])
}

/// What a wrong variant does.
enum MapReduceFlaw: Sendable {
    /// A task is lent for ever.
    case neverExpires
    /// Merges what it had before it notes the last result.
    case mergesTooEarly
    /// A job that is over ends again with each report of a task of it.
    case endsAgain
}
