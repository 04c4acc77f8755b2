import ChaosCore
import HeapModule

/// A link at work that must be looked at again some time.
package protocol AlarmedLine: AnyObject {
    /// When its next alarm is; changed by ``LineAlarms`` alone.
    var armed: Instant { get set }
}

/// When which line must be looked at. Putting a line's alarm forward costs no search: one that was
/// overtaken is passed over when its time comes.
package struct LineAlarms<Line: AlarmedLine> {
    private struct Alarm: Comparable {
        let at: Instant
        let line: Line

        static func == (left: Alarm, right: Alarm) -> Bool { left.at == right.at }
        static func < (left: Alarm, right: Alarm) -> Bool { left.at < right.at }
    }

    private var alarms = Heap<Alarm>()

    package init() {}

    /// When to look for lines that are due.
    package var wakeAt: Instant { self.alarms.min?.at ?? .never }

    /// Has a line looked at at an instant, if it is not anyhow before.
    package mutating func arm(_ line: Line, at instant: Instant) {
        if instant >= line.armed { return }
        line.armed = instant
        self.alarms.insert(Alarm(at: instant, line: line))
    }

    /// Takes out a line whose time has come.
    package mutating func popDue(at now: Instant) -> Line? {
        while let alarm = self.alarms.min, alarm.at <= now {
            self.alarms.removeMin()
            // An earlier one may have been seen to since.
            if alarm.line.armed != alarm.at { continue }
            alarm.line.armed = .never
            return alarm.line
        }
        return nil
    }
}
