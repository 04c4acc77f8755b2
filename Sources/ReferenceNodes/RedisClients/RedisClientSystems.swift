import NodeKit

// S27 to S30: clients of Redis, from the one that everybody writes first to the one that lasts. Each node
// takes messages and asks the server that is its peer; RedisClientNode says which.

extension ReferenceSystem {
    static let redisBlocking = ReferenceSystem(
        name: "redis-blocking", summary: "a Redis client with one command at a time",
        variants: [
            .blocking("deadline", "each call has a deadline, after which the connection is closed"),
            .blocking(
                "one-read", "takes whatever it reads at once for the reply", .takesReadsForReplies),
            .blocking("no-deadline", "waits for replies as long as it takes", .waitsForEver),
            .blocking("keeps-socket", "goes on with the connection after a deadline", .keepsSocket),
            .blocking("resends", "sends a command again whose reply got lost", .resends),
            .blocking("dies-when-refused", "dies where it cannot connect", .diesWhenRefused),
        ])

    static let redisPipelined = ReferenceSystem(
        name: "redis-pipelined", summary: "a Redis client with many commands on their way",
        variants: [
            .pipelined("parse-all", "replies by their order, however they are cut"),
            .pipelined(
                "one-reply", "takes whatever it reads at once for one reply", .takesReadsForReplies),
            .pipelined("no-deadline", "waits for replies as long as it takes", .waitsForEver),
            .pipelined(
                "dies-with-connection", "dies with its connection, its callers too",
                .diesWithConnection),
            .pipelined("resends", "sends commands again whose replies got lost", .resends),
        ])

    static let redisReconnecting = ReferenceSystem(
        name: "redis-reconnecting", summary: "a Redis client that keeps itself connected",
        variants: [
            .reconnecting("backoff", "tells who waits, and tries again at growing intervals"),
            .reconnecting("keeps-queue", "who waits still waits after a reconnect", .keepsQueue),
            .reconnecting("sleeps", "stands still for ten seconds before it tries again", .sleeps),
            .reconnecting("dies-when-refused", "dies where it cannot connect", .diesWhenRefused),
            .reconnecting("herd", "tries again after the same short time always", .neverBacksOff),
            .reconnecting("resends", "sends commands again whose replies got lost", .resends),
        ])

    static let redisPool = ReferenceSystem(
        name: "redis-pool", summary: "several Redis clients behind one door",
        variants: [
            .pool("in-turn", "in turn, those that are connected", .inTurn),
            .pool(
                "lent", "one call at a time; what the dead borrowed comes back",
                .lent(returnsOfDead: true)),
            .pool("random", "anybody, connected or not", .anybody),
            .pool(
                "dies-together", "clients die where they cannot connect, in the end all",
                .inTurn, .diesWhenRefused),
            .pool(
                "leaks", "one call at a time; what the dead borrowed is lost",
                .lent(returnsOfDead: false)),
            .pool("resends", "sends commands again whose replies got lost", .inTurn, .resends),
        ])
}

extension ReferenceSystem.Variant {
    private static func single(
        _ name: String, _ summary: String,
        make: @escaping @Sendable (Int, inout Randomness) -> any RedisClient
    ) -> Self {
        Self(name, summary) {
            RedisClientNode { randomness in
                RedisPool(count: 1, .anybody, randomness: randomness, make: make)
            }
        }
    }

    fileprivate static func blocking(
        _ name: String, _ summary: String, _ flaws: BlockingRedisClient.Flaws = []
    ) -> Self {
        .single(name, summary) { _, _ in BlockingRedisClient(flaws) }
    }

    fileprivate static func pipelined(
        _ name: String, _ summary: String, _ flaws: PipelinedRedisClient.Flaws = []
    ) -> Self {
        .single(name, summary) { _, _ in PipelinedRedisClient(flaws) }
    }

    fileprivate static func reconnecting(
        _ name: String, _ summary: String, _ flaws: ReconnectingRedisClient.Flaws = []
    ) -> Self {
        .single(name, summary) { _, randomness in
            ReconnectingRedisClient(flaws, randomness: randomness.fork())
        }
    }

    fileprivate static func pool(
        _ name: String, _ summary: String, _ choice: RedisPool.Choice,
        _ flaws: ReconnectingRedisClient.Flaws = []
    ) -> Self {
        Self(name, summary) {
            RedisClientNode { randomness in
                RedisPool(count: 2, choice, randomness: randomness) { _, randomness in
                    ReconnectingRedisClient(flaws, randomness: randomness.fork())
                }
            }
        }
    }
}

extension Randomness {
    /// A source of its own that follows from this one.
    fileprivate mutating func fork() -> Randomness { Randomness(seed: self.next(), label: "") }
}
