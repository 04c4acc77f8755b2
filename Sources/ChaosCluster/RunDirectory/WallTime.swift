#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A moment by the wall clock, for names and headers of artefacts only.
package struct WallTime: Hashable, Sendable {
    /// Seconds since 1970, UTC.
    package let seconds: Int

    package init(seconds: Int) { self.seconds = seconds }

    /// The present.
    package static var now: WallTime { WallTime(seconds: time(nil)) }

    /// `20261121-084512`, local time: sorts by time and is a fine file name.
    package var fileName: String {
        self.text("%Y%m%d-%H%M%S") { localtime_r($0, $1) }
    }

    /// `2026-11-21T07:45:12Z`, as ISO 8601 has it.
    package var iso8601: String {
        self.text("%Y-%m-%dT%H:%M:%SZ") { gmtime_r($0, $1) }
    }

    private func text(
        _ format: String,
        _ split: (UnsafePointer<time_t>, UnsafeMutablePointer<tm>) -> UnsafeMutablePointer<tm>?
    ) -> String {
        var parts = tm()
        var seconds = time_t(self.seconds)
        _ = split(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
