import NodeKit

// S12, S13: a link shortener whose links lie in Redis, and whose nodes each have a cache.

extension ReferenceSystem {
    static let linkShortener = ReferenceSystem(
        name: "link-shortener",
        summary: "short links over HTTP, in Redis, with a cache on every node",
        variants: [
            Variant("read-through", "Redis decides who has a code; what it said is cached") {
                LinkShortenerNode(.sha256)
            },
            Variant("md5", "the same with codes of MD5, as the course's first one") {
                LinkShortenerNode(.md5)
            },
            Variant("cache-first", "caches a link before Redis has said who has the code") {
                LinkShortenerNode(.sha256, .cachesFirst)
            },
            Variant("refuses-again", "refuses a link that is there already: a retry looks failed") {
                LinkShortenerNode(.sha256, .refusesAgain)
            },
            Variant("acks-taken", "acknowledges a code that belongs to another link") {
                LinkShortenerNode(.sha256, .acknowledgesTaken)
            },
            Variant("nil-is-found", "takes Redis's nothing for a link to nowhere") {
                LinkShortenerNode(.sha256, .findsNothing)
            },
            Variant("no-cache", "asks Redis each time: slow with it, and down with it") {
                LinkShortenerNode(.sha256, .neverCaches)
            },
            Variant("negative-cache", "remembers for ever that a code was not there") {
                LinkShortenerNode(.sha256, .remembersAbsence)
            },
        ])
}
