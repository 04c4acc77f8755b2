import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Waits for something to read on a thread of its own.
///
/// Not a dispatch source: Linux's dispatch was seen to crash in its event loop when sources of many
/// runs came and went (`_dispatch_event_loop_drain`, Swift 6.3.1), and it calls only once after the
/// other end has hung up.
enum DescriptorThread {
    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - descriptor: What to wait for; it must stay open until `onEnd`.
    ///   - onReadable: Called while there is something to read or the other end has hung up; it
    ///     returns whether to go on.
    ///   - onEnd: Called once, when `onReadable` did not want to go on; may close the descriptor.
    static func start(
        _ descriptor: Int32, onReadable: @escaping @Sendable () -> Bool,
        onEnd: @escaping @Sendable () -> Void
    ) {
        let thread = Thread {
            while true {
                var source = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                let count = poll(&source, 1, -1)
                if count < 0 && errno == EINTR { continue }
                if !onReadable() { break }
            }
            onEnd()
        }
        thread.stackSize = 512 << 10
        thread.start()
    }
}
