/// What an idle connection costs a target's programs in memory, before and after it was busy.
enum IdleMemory {
    /// Measures a target whose programs were just started.
    static func run(
        on target: RunningTarget, connections count: Int, _ atFirst: Figure, _ afterBurst: Figure
    ) throws -> [Figure: Double] {
        Pause.milliseconds(100)
        let empty = target.usage?.memory ?? 0
        func perConnection() -> Double {
            // Whatever is returned late is returned by now.
            Pause.milliseconds(300)
            return Double((target.usage?.memory ?? 0) - empty) / 1024 / Double(count)
        }
        let idle = try IdleConnections(count, to: target.endpoint)
        // Swift would close the sockets after their last use, before memory is read.
        return try withExtendedLifetime(idle) {
            let fresh = perConnection()
            try idle.exchangeBursts()
            return [atFirst: fresh, afterBurst: perConnection()]
        }
    }
}
