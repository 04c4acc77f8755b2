import ChaosCore

/// One line of a schedule: when, for how long, and what.
package struct ScheduleEntry: Hashable, Sendable {
    /// Names the entry in journals and keys its decisions: `schedule[0]`, by position in its file.
    package var id: String
    /// When it happens.
    package var timing: Timing
    /// How long it lasts; `nil` lasts to the end or is instantaneous.
    package var duration: TimePoint?
    /// What happens.
    package var action: ScheduleAction

    /// Makes an entry.
    package init(id: String, timing: Timing, duration: TimePoint? = nil, action: ScheduleAction) {
        self.id = id
        self.timing = timing
        self.duration = duration
        self.action = action
    }

    /// When an entry happens.
    package enum Timing: Hashable, Sendable {
        /// Once.
        case at(TimePoint)
        /// Again and again, from `from` until `until` (or the end).
        case every(interval: Duration, jitter: Duration, from: TimePoint, until: TimePoint?)
        /// Each time something is seen.
        case when(Trigger)
    }
}

/// A time in a run, absolute or as a share of its length.
package enum TimePoint: Hashable, Sendable {
    case time(Duration)
    case share(Ratio)

    /// The time, given how long the run lasts.
    package func resolved(in length: Duration) -> Duration {
        switch self {
        case .time(let time): time
        case .share(let share): .nanoseconds(share.of(length.wholeNanoseconds))
        }
    }
}

/// Something that a node shows and that makes a schedule's entry happen.
package struct Trigger: Hashable, Sendable {
    /// What is looked at.
    package var source: Source
    /// The nodes that are looked at.
    package var nodes: NodePattern
    /// How often it may happen; `nil` is always.
    package var times: Int?

    /// What is looked at.
    package enum Source: Hashable, Sendable {
        /// A line of output that contains this text, or matches it between slashes.
        case log(String)
        /// A message that one of the nodes sends.
        case message(MessageMatch)
    }

    /// Makes a trigger that works once.
    package init(_ source: Source, nodes: NodePattern = .all, times: Int? = 1) {
        self.source = source
        self.nodes = nodes
        self.times = times
    }
}

/// What a schedule or an operator does to the run.
package enum ScheduleAction: Hashable, Sendable {
    /// Cuts links; `nil` takes the default mode, all ports unless one is named.
    case partition(Partition, mode: PartitionMode?, port: PortName?)
    /// Puts faults on links.
    case faults([FaultRule])
    /// Does something to nodes.
    case process(ProcessAction, NodeSelector)
    /// Draws one of several disturbances each time.
    case nemesis([NemesisKind], budget: Budget, mode: PartitionMode?)
    /// Says something to nodes as their administrator, at their port ``Administrator/port``.
    case tell(JSONObject, NodeSelector)
    /// Ends every partition.
    case heal
}

/// The administrator of nodes.
package enum Administrator {
    /// The port of a node at which its administrator is heard, outside the network with its faults.
    package static let port: PortName = "admin"
}

/// What is done to a node's process.
package enum ProcessAction: String, CaseIterable, Sendable {
    case kill, stop, pause, resume, restart
}

/// The nodes that a process action means.
package enum NodeSelector: Hashable, Sendable {
    /// The nodes of a pattern.
    case nodes(NodePattern)
    /// The node that the trigger saw.
    case that
    /// One node, chosen by the seed.
    case any
}

/// What a nemesis may choose.
package enum NemesisKind: String, CaseIterable, Sendable {
    case partition
    case halves
    case randomHalves = "random-halves"
    case isolate
    case oneWay = "one-way"
    case majority
    case majoritiesRing = "majorities-ring"
    case bridge
    case kill, pause, restart, delay, loss
    /// Nothing passes between one node and the others, and nothing is lost: it arrives when it is over.
    case clog
}

/// How many nodes a nemesis may disturb at once.
package enum Budget: Hashable, Sendable {
    /// Fewer than half of the nodes.
    case minority
    /// At most so many.
    case nodes(Int)
    /// Any number.
    case all
}
