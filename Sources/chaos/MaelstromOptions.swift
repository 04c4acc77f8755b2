import ArgumentParser
import ChaosCore

/// The flags of `maelstrom test`, with their names, meanings and defaults, and what goes beyond them.
struct MaelstromOptions: ParsableArguments {
    @Option(
        name: [.customShort("w"), .long],
        help: "Test --bin with this workload: echo, unique-ids, broadcast, g-set, … (lin-kv).")
    var workload: String?

    @Option(help: "The program of every node; arguments for it stand behind '--'.")
    var bin: String?

    @Option(help: "How many nodes, named n0, n1, …")
    var nodeCount: Int?

    @Option(help: "The nodes' names, separated by commas (n1,n2,n3,n4,n5).")
    var nodes: String?

    @Option(help: "The name of one node; may be given several times.")
    var node: [String] = []

    @Option(help: "How long operations are sent, in seconds (60).")
    var timeLimit: String?

    @Option(help: "Operations per second over all clients (5).")
    var rate: String?

    @Option(help: "How many clients: a number, or '2n' for two a node (1n; lin-kv 2n).")
    var concurrency: String?

    @Option(help: "The mean latency between nodes, in milliseconds (0).")
    var latency: String?

    @Option(help: "How latencies spread: constant, uniform or exponential (constant).")
    var latencyDist: String?

    @Option(
        help: ArgumentHelp(
            "What is done to the cluster, separated by commas: partition, halves, random-halves, "
                + "majority, majorities-ring, isolate, one-way, bridge, kill, pause, restart, "
                + "delay, loss, clog."))
    var nemesis: String?

    @Option(help: "The mean time between the nemesis' doings, in seconds (10).")
    var nemesisInterval: String?

    @Option(help: "How many nodes it may disturb at once: minority, all or a number (all).")
    var nemesisBudget: String?

    @Option(help: "What 'topology' says: grid, line, total, tree, tree2, tree3, tree4 (grid).")
    var topology: String?

    @Option(help: "The share of operations that must succeed: 'total', or a number up to 1.")
    var availability: String?

    @Option(help: "What transactions must be, separated by commas (strict-serializable).")
    var consistencyModels: String?

    @Option(help: "How many keys transactions and logs use at a time (10).")
    var keyCount: String?

    @Option(help: "How many steps a transaction has at most (4).")
    var maxTxnLength: String?

    @Option(help: "How many values a key gets at most (16).")
    var maxWritesPerKey: String?

    @Flag(help: "Show what the nodes write to standard error.")
    var logStderr = false

    @Flag(help: "Take down all messages, as --trace-messages 1000000 does.")
    var logNetSend = false

    @Flag(help: "The same.")
    var logNetRecv = false

    @Option(help: "Run so many times, each with a seed of its own.")
    var testCount: Int?

    @Option(help: "The share of messages between nodes that vanish, such as 5%.")
    var loss: String?

    @Option(help: "The share of messages between nodes that arrive twice, such as 1%.")
    var duplicate: String?

    @Option(help: "The share of messages between nodes that later ones overtake, such as 1%.")
    var reorder: String?

    @Option(help: "The latency between clients and nodes, in milliseconds (0).")
    var clientLatency: String?

    @Option(help: "The share of messages between clients and nodes that vanish, such as 1%.")
    var clientLoss: String?

    @Option(
        name: .customLong("assert"),
        help:
            "Something that must hold in the end, such as 'msgs_per_op < 30'; several are possible."
    )
    var assertions: [String] = []

    @Option(help: "How long the cluster is left in peace before the final reads, in seconds (10).")
    var recoveryTime: String?

    @Option(help: "The folder in which the nodes start; each has one of its own otherwise.")
    var directory: String?

    /// Whether nodes of Maelstrom's are to be tested, and no scenario's.
    var isUsed: Bool { self.workload != nil || self.bin != nil }
}
