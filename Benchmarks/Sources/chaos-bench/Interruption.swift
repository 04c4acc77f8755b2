import Foundation
import Synchronization

/// Ends everything that was started when the bench is interrupted.
final class Interruption {
    private let sources: [any DispatchSourceSignal]

    /// Watches for SIGINT and SIGTERM.
    init(removing folder: String?) {
        self.sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                ChildProcess.isEnding.store(true, ordering: .sequentiallyConsistent)
                let children = ChildProcess.running.withLock { $0 }
                for child in children { kill(child, SIGTERM) }
                let patience = MonotonicClock.after(5)
                for child in children {
                    // They are no zombies of ours to count: only whether they are gone matters.
                    while waitpid(child, nil, WNOHANG) == 0 {
                        if MonotonicClock.now > patience { kill(child, SIGKILL) }
                        usleep(5000)
                    }
                }
                if let folder { try? FileManager.default.removeItem(atPath: folder) }
                _exit(number == SIGINT ? 130 : 143)
            }
            source.resume()
            return source
        }
    }

    func stop() { for source in self.sources { source.cancel() } }
}
