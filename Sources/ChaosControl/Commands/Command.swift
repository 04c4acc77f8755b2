import ChaosCore
import ChaosScenario

/// What an operator can ask a live run to do.
///
/// Every view (the Unix socket, the command line, `ChaosTesting`) speaks this one set. A lease is how
/// long an injection lasts before it ends by itself; `nil` lasts until it is undone.
package enum Command: Hashable, Sendable {
    /// Cuts links; `nil` takes the run's default mode, no ports means all.
    case partition(Partition, mode: PartitionMode?, ports: [PortName], lease: Duration?)
    /// Ends one partition, or all of them.
    case heal(InjectionID?)
    /// Stalls links while connects still succeed.
    case hold([LinkPattern], lease: Duration?)
    /// Lets held links go.
    case release(InjectionSelection)
    /// Puts faults on links.
    case set(LinkPattern, [Fault], lease: Duration?)
    /// Takes faults away.
    case clear(InjectionSelection)
    /// Does something to the processes of nodes.
    case process(ProcessAction, NodePattern)
    /// Writes the packets of links into a file or pipe of the run directory.
    case capture([LinkPattern], file: String, lease: Duration?)
    /// Ends a capture, by its id.
    case endCapture(InjectionID)
    /// Asks what the run looks like; the answer is a ``RunStatus``, whose links are all of the run, or only
    /// those with traffic, cuts or faults.
    case status(onlyBusy: Bool = false)
    /// Ends the run, as its time would.
    case end
}

/// Which injections a command means.
package enum InjectionSelection: Hashable, Sendable {
    /// All of the command's kind.
    case all
    /// One, by its id.
    case injection(InjectionID)
    /// Those on the links of these patterns.
    case links([LinkPattern])
}

/// Names one injection of a run: `p1`, `f3`, `schedule[0]`.
package struct InjectionID: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral
{
    /// The id as written.
    package let text: String

    /// Makes an id without checking it; see ``init(parsing:)``.
    package init(_ text: String) { self.text = text }
    package init(stringLiteral value: String) { self.text = value }

    /// Reads an id of 1 to 63 printable ASCII characters without spaces and without an arrow.
    ///
    /// - Throws: `InputError` for anything else, links included.
    package init(parsing text: String) throws(InputError) {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPlain, !text.isEmpty, text.utf8.count <= 63, !text.contains("->") else {
            throw InputError("an injection's id is written like 'p1' or 'f3'", found: text)
        }
        self.text = text
    }

    package var description: String { self.text }
}
