import ChaosCluster
import ChaosCore
import ChaosScenario

/// The lines that nodes wrote, and who waits for one that has yet to come. Lives in a run's actor.
struct LineWatch {
    /// A line and its place among all lines of the run, from 1.
    struct Found: Hashable, Sendable {
        let number: Int
        let line: NodeLine
    }

    /// Who waits for what.
    struct Waiter {
        let pattern: LogPattern
        let node: NodeName?
        let continuation: CheckedContinuation<Found?, Never>
    }

    /// Old lines are forgotten beyond this many; what waits for one has seen it before.
    private static let linesMax = 100_000

    private var lines: [Found] = []
    private var count = 0
    private var waiters: [Int: Waiter] = [:]
    private var waiterCount = 0

    /// Takes a line and tells who waits for it.
    mutating func add(_ line: NodeLine) {
        self.count += 1
        let found = Found(number: self.count, line: line)
        if self.lines.count >= Self.linesMax { self.lines.removeFirst(Self.linesMax / 2) }
        self.lines.append(found)
        for (key, waiter) in self.waiters.sorted(by: { $0.key < $1.key })
        where Self.matches(line, waiter.pattern, waiter.node) {
            self.waiters[key] = nil
            waiter.continuation.resume(returning: found)
        }
    }

    /// The first line behind a place that matches.
    func first(_ pattern: LogPattern, node: NodeName?, after number: Int) -> Found? {
        self.lines.first { $0.number > number && Self.matches($0.line, pattern, node) }
    }

    /// A key for somebody who will wait.
    mutating func makeKey() -> Int {
        self.waiterCount += 1
        return self.waiterCount
    }

    mutating func wait(_ key: Int, _ waiter: Waiter) { self.waiters[key] = waiter }

    /// Lets somebody wait no longer.
    mutating func give(up key: Int) {
        self.waiters.removeValue(forKey: key)?.continuation.resume(returning: nil)
    }

    /// Lets everybody wait no longer.
    mutating func giveUp() {
        let keys = self.waiters.keys.sorted()
        for key in keys { self.give(up: key) }
    }

    private static func matches(_ line: NodeLine, _ pattern: LogPattern, _ node: NodeName?) -> Bool
    {
        (node == nil || node == line.node) && pattern.matches(line.text)
    }
}

extension ScenarioRun {
    /// Waits for a line of a node's output; lines from before count too, unless `after` excludes
    /// them.
    ///
    /// - Parameters:
    ///   - after: Only lines behind the one with this number.
    ///   - limit: How long to wait for one that has yet to come.
    /// - Returns: The line and its number; `nil` when none came in time or the run ended.
    package func line(
        matching pattern: LogPattern, of node: NodeName?, after number: Int, within limit: Duration
    ) async -> (line: NodeLine, number: Int)? {
        if let found = self.lines.first(pattern, node: node, after: number) {
            return (found.line, found.number)
        }
        if self.phase == .over || Task.isCancelled { return nil }
        let key = self.lines.makeKey()
        let impatience = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            self.lines.give(up: key)
        }
        defer { impatience.cancel() }
        let found = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.lines.wait(
                    key, LineWatch.Waiter(pattern: pattern, node: node, continuation: continuation))
            }
        } onCancel: {
            Task { await self.giveUpLine(key) }
        }
        return found.map { ($0.line, $0.number) }
    }

    private func giveUpLine(_ key: Int) { self.lines.give(up: key) }
}
