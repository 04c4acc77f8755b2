import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs what blocks, such as reading a pipe to its end, on a thread of its own.
///
/// Dispatch has read sources for that, but on Linux one that hears of a hang-up may be taken apart
/// by its handler's thread while the event loop still walks over it, which ends the whole process:
/// seen about once in two hundred ends of a node under load.
enum BlockingThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread that ends when the body returns.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
            let code = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                    return nil
                }, work.toOpaque())
            if code == 0, let thread {
                pthread_detach(thread)
                return
            }
        #else
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { context in
                    if let context {
                        Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                    }
                    return nil
                }, work.toOpaque())
            if code == 0 {
                pthread_detach(thread)
                return
            }
        #endif
        // A limit of the system is reached; one of dispatch's threads may still be free.
        let own = work.takeRetainedValue()
        DispatchQueue.global().async { own.body() }
    }
}
