import ChaosCore

/// A load as Jepsen's: workers with one operation in flight each, and one stream of operations for
/// all of them, whose gaps are drawn between zero and twice their mean.
///
/// A stream that finds nobody idle waits, and what it missed meanwhile it does not make up for: so
/// the number of workers bounds the load.
struct ClosedLoop: Sendable {
    let settings: LoadSettings
    let pool: WorkerPool

    /// Sends operations until the load's time is over, and waits for their ends.
    func run() async throws {
        let now = self.pool.context.now
        let end = now() + self.settings.duration
        if self.settings.isIdle {
            try await Task.sleep(for: self.settings.duration)
            return
        }
        var gaps = LoadGaps(self.settings, seed: self.pool.context.seed)
        // Whoever waits for an idle worker looks up when the time is over.
        let alarm = Task { [pool] in
            if (try? await Task.sleep(for: self.settings.duration)) != nil { pool.wake() }
        }
        defer { alarm.cancel() }
        try await withThrowingDiscardingTaskGroup { group in
            var due = now()
            while due < end {
                if due > now() { try await Task.sleep(for: due - now()) }
                try Task.checkCancellation()
                var next = self.pool.take()
                let mustWait = next == nil
                while next == nil, now() < end {
                    await self.waitForIdle()
                    try Task.checkCancellation()
                    next = self.pool.take()
                }
                guard let (worker, operation) = next else { break }
                group.addTask { [pool] in try await pool.perform(operation, by: worker) }
                due = (mustWait ? now() : due) + gaps.next()
            }
        }
    }

    private func waitForIdle() async {
        await withTaskCancellationHandler {
            await self.pool.waitForIdle()
        } onCancel: {
            self.pool.wake()
        }
    }
}
