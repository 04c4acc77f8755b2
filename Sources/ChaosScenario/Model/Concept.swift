/// An idea of distributed systems that a lesson shows running, in the order of a course.
package enum Concept: String, CaseIterable, Sendable {
    case cluster, rpc, mailbox, monitors, cap, consistency
    case eventualConsistency = "eventual-consistency"
    case availability, partition
    case oneWay = "one-way"
    case splitBrain = "split-brain"
    case fencing
    case deliveryGuarantees = "delivery-guarantees"
    case idempotence, retries, backoff
    case unknownOutcome = "unknown-outcome"
    case durability, latency, bandwidth, batching
    case headOfLine = "head-of-line"
    case tcpIsAStream = "tcp-is-a-stream"
    case halfOpen = "half-open"
    case refusedTimeoutReset = "refused-timeout-reset"
    case discovery, topology, security
    case oneAdministrator = "one-administrator"
    case gossip
    case antiEntropy = "anti-entropy"
    case ordering, replication
    case consistentHashing = "consistent-hashing"
    case caching, expiry, clocks, registry
    case processGroups = "process-groups"
    case crdt, pools, supervision
    case stateLoss = "state-loss"
    case stateMachine = "state-machine"
    case workerFailure = "worker-failure"
    case singlePointOfFailure = "single-point-of-failure"
    case transactions, consensus, locks
    case atomicOperations = "atomic-operations"
    case rest, monitoring
    case backPressure = "back-pressure"
    case log, scaling

    /// What a reader sees, as the heading of a list.
    package var title: String {
        switch self {
        case .cluster: "What a node and a cluster are"
        case .rpc: "Remote procedure calls"
        case .mailbox: "Message passing, mailboxes, selective receive"
        case .monitors: "Monitors and links"
        case .cap: "CAP: the same partition, one refuses, one diverges"
        case .consistency: "Consistency levels"
        case .eventualConsistency: "Eventual consistency is inconsistency for a while"
        case .availability: "Availability, and total availability"
        case .partition: "Partitions and healing"
        case .oneWay: "One-way and bridge partitions"
        case .splitBrain: "Split brain"
        case .fencing: "Fencing"
        case .deliveryGuarantees: "Delivery guarantees: at most, at least, effectively once"
        case .idempotence: "Idempotence"
        case .retries: "Retries and timeouts"
        case .backoff: "Backoff and jitter"
        case .unknownOutcome: "Lost answers: the unknown outcome"
        case .durability: "Durability and data loss"
        case .latency: "Latency is not zero"
        case .bandwidth: "Bandwidth is finite"
        case .batching: "Throughput against latency: batching"
        case .headOfLine: "Head-of-line blocking and pipelining"
        case .tcpIsAStream: "TCP is a stream: fragments and coalesced writes"
        case .halfOpen: "Half-open connections and heartbeats"
        case .refusedTimeoutReset: "Refused, timed out, reset"
        case .discovery: "Service discovery"
        case .topology: "Topology"
        case .security: "The network is not secure"
        case .oneAdministrator: "There is more than one administrator"
        case .gossip: "Gossip and broadcast storms"
        case .antiEntropy: "Anti-entropy and catching up"
        case .ordering: "Order: sequence numbers, gaps, epochs"
        case .replication: "Replication"
        case .consistentHashing: "Consistent hashing"
        case .caching: "Caches"
        case .expiry: "Expiry and eviction"
        case .clocks: "Clocks that jump"
        case .registry: "Registries, local and global"
        case .processGroups: "Process groups, publish and subscribe"
        case .crdt: "Conflict-free replicated data types"
        case .pools: "Pools"
        case .supervision: "Let it crash: supervision"
        case .stateLoss: "State that dies with its process"
        case .stateMachine: "Clients as state machines"
        case .workerFailure: "Workers that fail: leases and attempts"
        case .singlePointOfFailure: "Single points of failure"
        case .transactions: "Transactions, two-phase commit, sagas"
        case .consensus: "Consensus"
        case .locks: "Locks and leases"
        case .atomicOperations: "Atomic operations"
        case .rest: "REST and idempotency keys"
        case .monitoring: "Monitoring and failure detectors"
        case .backPressure: "Back-pressure and overload"
        case .log: "Replicated logs"
        case .scaling: "Scaling and parallel work"
        }
    }
}
