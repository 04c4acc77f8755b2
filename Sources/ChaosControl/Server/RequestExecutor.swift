import NIOCore

/// Carries requests out on the thread that reads them: where processors are busy, each thread that must be
/// woken makes an answer later.
///
/// What is asked of a run only waits for others and never blocks, so one thread is enough for all.
final class RequestExecutor: TaskExecutor {
    private let loop: any EventLoop

    /// Runs tasks on an event loop that is never shut down.
    init(on loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
