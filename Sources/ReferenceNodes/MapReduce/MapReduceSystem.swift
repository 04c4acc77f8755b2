import ChaosCore
import NodeKit

// S10, S11: the first node splits a job into tasks, the others do them, however often somebody dies.
//
//     submit{job, fn, input} -> submit_ok       fn: words (counts them) or lines (counts lines)
//     result{job}            -> result_ok{state: running | done | failed, attempts, counts}    error 20
//     results                -> results_ok{results: {job: how often its result was given out}}
//
// The same over HTTP: POST /jobs, GET /jobs/JOB.
//
// Between nodes: ready   work{task, phase, attempt, fn, …}   working{task}   finished{task, phase, attempt, …}

extension ReferenceSystem {
    static let mapReduce = ReferenceSystem(
        name: "map-reduce",
        summary: "word counts by many workers, with chunks and results in a store",
        variants: [
            Variant("leases", "tasks are lent, and lent again; done twice writes the same twice") {
                StoredMapReduceNode()
            },
            Variant("commits", "tasks write what they like; the first attempt's output counts") {
                StoredMapReduceNode([.spreadsItsOwnWay, .commitsAttempts])
            },
            Variant("own-hash", "the same, and the last output that was written counts") {
                StoredMapReduceNode([.spreadsItsOwnWay])
            },
            Variant("no-leases", "a task of a dead worker is waited for, for ever") {
                StoredMapReduceNode([.neverExpires])
            },
            Variant("tries-for-ever", "a task that kills its workers is lent to the next one") {
                StoredMapReduceNode([.neverGivesUp])
            },
            Variant("adds-reports", "adds up whatever is reported, once or twice") {
                StoredMapReduceNode([.addsReports])
            },
            Variant("appends", "map tasks append to what is there: done again, it is there twice") {
                StoredMapReduceNode([.appends])
            },
            Variant("re-lends", "gives a silent worker the next task, and knows but one of each") {
                StoredMapReduceNode([.relends])
            },
            Variant("byte-chunks", "cuts the input anywhere, also in the middle of a word") {
                StoredMapReduceNode([.cutsAnywhere])
            },
            Variant("volatile-master", "a master that dies takes its jobs along") {
                StoredMapReduceNode([.forgets])
            },
        ])

    static let mapReduceManager = ReferenceSystem(
        name: "map-reduce-manager",
        summary: "word counts by many workers, with results in messages",
        variants: [
            Variant("merges-once", "notes a result, then merges all, once; gives up on poison") {
                ManagedMapReduceNode()
            },
            Variant("last-chunk", "merges what it had before the last result came") {
                ManagedMapReduceNode(.mergesTooEarly)
            },
            Variant("answers-again", "a result that comes again ends the job again") {
                ManagedMapReduceNode(.endsAgain)
            },
            Variant("no-leases", "a lost task is waited for, for ever") {
                ManagedMapReduceNode(.neverExpires)
            },
            Variant("tries-for-ever", "a task that kills its workers is lent to the next one") {
                ManagedMapReduceNode(.neverGivesUp)
            },
        ])
}
