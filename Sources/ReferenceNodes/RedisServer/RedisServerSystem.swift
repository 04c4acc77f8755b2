import NodeKit

// S26: a small Redis server, for where none is installed, and for seeing what durability means.

extension ReferenceSystem {
    static let redisServer = ReferenceSystem(
        name: "redis-server", summary: "a small Redis (RESP2), with an append-only file",
        variants: [
            Variant("always", "on disk before it is acknowledged (appendfsync always)") {
                RedisServerNode(.always)
            },
            Variant("everysec", "written before, on disk every second: a power cut costs a second")
            {
                RedisServerNode(.everySecond)
            },
            Variant("no", "written before, on disk when the kernel likes: outlives a kill") {
                RedisServerNode(.kernel)
            },
            Variant("buffered", "written every second: what it acknowledged dies with it") {
                RedisServerNode(.buffered)
            },
            Variant("per-read", "takes whatever it reads at once for one request") {
                RedisServerNode(.always, .takesReadsForRequests)
            },
        ])
}
