import ChaosCore
import NodeKit

// A key-value store that behaves as if there were one copy, by Raft (Ongaro and Ousterhout, In Search
// of an Understandable Consensus Algorithm, 2014). A majority of the nodes must reach each other.
//
//     read{key}          -> read_ok{value}      error 20: no such key
//     write{key, value}  -> write_ok
//     cas{key, from, to} -> cas_ok              error 20, error 22: another value
//
// A node that is not the leader passes requests on. Error 11 says that there is no leader now and
// nothing was done; error 0 that nobody knows.

extension ReferenceSystem {
    static let linKV = ReferenceSystem(
        name: "lin-kv", summary: "a store that behaves as one copy, while a majority lives",
        variants: [
            Variant("raft", "Raft: elections, a replicated log on disk, snapshots, sure reads") {
                RaftNode<KeyValueMachine>()
            },
            Variant("stale-leader", "a leader answers reads without asking whether it still is") {
                RaftNode<KeyValueMachine>([.trustsItsOffice])
            },
            Variant("local-reads", "every node answers reads from what it has applied so far") {
                RaftNode<KeyValueMachine>([.readsLocally])
            },
            Variant("ack-first", "a leader acknowledges before a majority has the entry") {
                RaftNode<KeyValueMachine>([.acknowledgesFirst])
            },
            Variant("forgetful", "votes and log in memory only: a restart forgets both") {
                RaftNode<KeyValueMachine>([.forgets])
            },
            Variant("doubling", "a request that arrives twice is done twice") {
                RaftNode<KeyValueMachine>([.repeats])
            },
        ])
}
