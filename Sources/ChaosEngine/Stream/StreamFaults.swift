import ChaosCore

/// The faults in force in front of a direction's queue, with their draws.
///
/// It exists only while there are such faults, so that a connection without any stays small.
final class StreamFaults {
    var loss: FaultDraws?
    var duplicate: FaultDraws?
    var corrupt: FaultDraws?
    var delay: FaultDraws?
    var reorder: FaultDraws?
    var ackLoss: FaultDraws?

    /// Takes over the faults of a link. Those that stay keep their draws; those that need messages
    /// do not apply where there are none. New ones begin with the block that is under way.
    func update(
        _ link: LinkState, isFramed: Bool, direction: Direction, key: Seed, firstBlock: Int
    ) {
        func renewed(_ kind: FaultKind, _ old: FaultDraws?) -> FaultDraws? {
            guard let fault = link.fault(kind), isFramed || !fault.fault.needsFraming,
                fault.fault.isPossible(in: link.framing)
            else { return nil }
            if let old, old.fault === fault { return old }
            return FaultDraws(
                fault: fault, key: key.derived(fault.injection.id), firstBlock: firstBlock)
        }
        self.loss = renewed(.loss, self.loss)
        self.duplicate = renewed(.duplicate, self.duplicate)
        self.corrupt = renewed(.corrupt, self.corrupt)
        self.delay = renewed(.delay, self.delay)
        self.reorder = renewed(.reorder, self.reorder)
        // Only what the opener sends is a request that has a reply.
        self.ackLoss = direction == .forward ? renewed(.ackLoss, self.ackLoss) : nil
    }

    var isEmpty: Bool {
        self.loss == nil && self.duplicate == nil && self.corrupt == nil && self.delay == nil
            && self.reorder == nil && self.ackLoss == nil
    }

    /// Whether blocks of a raw stream have to be decided on.
    var concernBlocks: Bool { self.loss != nil || self.delay != nil || self.corrupt != nil }

    /// Whether messages must be whole before they can be decided on. A delay that holds for all
    /// messages can be given to their parts.
    var needWholeMessages: Bool {
        self.loss != nil || self.duplicate != nil || self.corrupt != nil || self.reorder != nil
            || self.ackLoss != nil || self.delay?.isForEveryMessage == false
    }

    /// Whether some fault must know what is in a message.
    var lookInside: Bool {
        self.loss?.looksInside == true || self.duplicate?.looksInside == true
            || self.corrupt?.looksInside == true || self.delay?.looksInside == true
            || self.reorder?.looksInside == true || self.ackLoss?.looksInside == true
    }
}
