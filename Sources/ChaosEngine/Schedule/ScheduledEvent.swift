import ChaosCore
import ChaosScenario

/// Something that a schedule begins or ends, with every choice made.
package struct ScheduledEvent: Hashable, Sendable {
    /// The entry's id; `schedule[2]#3` is the third time of an entry that happens repeatedly. An end
    /// has the id of its begin.
    package var id: String
    /// Whether it begins or ends.
    package var phase: Phase
    /// What to do now.
    ///
    /// The end of a partition or of faults repeats what its begin did, to be undone by its id. The
    /// end of a process action is the action that undoes it: `restart` or `resume` of the nodes that
    /// nothing else holds, possibly none.
    package var action: ConcreteAction
    /// When it was to happen; never later than when it was asked for.
    package var planned: Instant
    /// When what begins ends by itself; `nil` at the end of the run, or when it is over at once.
    package var until: Instant?

    /// Whether something begins or ends.
    package enum Phase: String, CaseIterable, Sendable { case begin, end }

    /// Makes an event.
    package init(
        id: String, phase: Phase, action: ConcreteAction, planned: Instant, until: Instant? = nil
    ) {
        self.id = id
        self.phase = phase
        self.action = action
        self.planned = planned
        self.until = until
    }
}

/// An action with its nodes and links chosen.
package enum ConcreteAction: Hashable, Sendable {
    /// Cuts these links; `text` names the partition for people. `nil` takes the default mode, or all
    /// ports.
    case partition(cuts: [DirectedPair], text: String, mode: PartitionMode?, port: PortName?)
    /// Puts faults on links.
    case faults([FaultRule])
    /// Does something to these nodes.
    case process(ProcessAction, [NodeName])
    /// Says something to these nodes as their administrator.
    case tell(JSONObject, [NodeName])
    /// Ends every partition, an operator's too; those of the schedule have ended just before.
    case heal
}

/// A firing of a nemesis at which no kind had room in the budget.
package struct SkippedFiring: Hashable, Sendable {
    /// The id that the event would have had.
    package var id: String
    /// When it would have happened.
    package var planned: Instant
}
