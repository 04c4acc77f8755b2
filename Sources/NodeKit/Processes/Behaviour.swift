/// What one process does: mail in, and by way of its context everything that it wants.
///
/// A behaviour is a value. It handles one piece of mail at a time and never waits; where it would wait, it
/// asks (``ProcessContext/call(_:_:within:)``) and goes on when ``Mail/answer(_:_:)`` comes. So processes run
/// inside a ``Node`` without threads, and a test owns their clock, network and crashes. Throwing ends the
/// process: its state is gone, and who monitors it, is linked to it or waits for its answer is told.
///
/// ```swift
/// struct Counter: Behaviour {
///     var count = 0
///     mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
///         if case .call(_, let caller) = mail {
///             self.count += 1
///             context.reply(caller, ["count": .int(Int64(self.count))])
///         }
///     }
/// }
/// ```
public protocol Behaviour: Sendable {
    /// Handles one piece of mail.
    ///
    /// - Throws: `ProcessExit` to end the process.
    mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit)

    /// What tells the next process of this name as much as everything that this one and those before it wrote down
    /// (``ProcessContext/append(_:)``), so that the node's log can be written anew where it is long. `nil`, by default, where nothing less
    /// than all of it does.
    var snapshot: [JSONValue]? { get }
}

extension Behaviour {
    /// `nil`: nothing less than all records.
    public var snapshot: [JSONValue]? { nil }
}

/// Ends the process that throws it.
public struct ProcessExit: Error, Hashable, Sendable {
    /// Why.
    public let reason: ExitReason

    /// Ends a process with a reason.
    public init(_ reason: ExitReason) { self.reason = reason }

    /// Ends a process because something failed.
    public static func crash(_ sentence: String) -> ProcessExit { ProcessExit(.crash(sentence)) }
}

/// What comes to a process, in the order in which it came to its mailbox.
public enum Mail: Sendable {
    /// The process begins. Always the first mail, once.
    case started
    /// Somebody says something and wants no answer.
    case cast(JSONObject)
    /// Somebody asks, and waits until ``ProcessContext/reply(_:_:)`` or the end of this process.
    case call(JSONObject, from: Caller)
    /// What came of a call of this process's own.
    case answer(CallReference, CallOutcome)
    /// A process that this one monitors ended; exactly once for each monitor.
    case down(MonitorReference, ProcessAddress, ExitReason)
    /// A linked process ended, or somebody asks this one to; only where it traps exits, otherwise it ends.
    case exit(PID, ExitReason)
    /// A process that this one started, linked to it, has begun: it is done with ``started``, or says so
    /// (``ProcessContext/ready()``). One that ends before never says so.
    case ready(PID)
    /// A timer that this process had set ran out.
    case timer(String)
    /// A node can be heard, or again, in this life.
    case nodeUp(String)
    /// A node has not been heard for too long.
    case nodeDown(String)
    /// Something became of a process of this node; only for those who observe (``ProcessContext/observe()``).
    case life(LifeEvent)
    /// The processes of this node at one moment, which this one asked for (``ProcessContext/takeCensus()``).
    case census([ProcessRecord])
    /// A request of a client to the node, of a type that is this process's.
    case request(Message)
}

/// Who waits for an answer.
public struct Caller: Hashable, Sendable {
    /// The process that asked.
    let pid: PID
    /// Its number for the call.
    let reference: CallReference
}

/// A call of a process's own.
public struct CallReference: Hashable, Sendable { let number: UInt64 }

/// A monitor of a process's own.
public struct MonitorReference: Hashable, Sendable { let number: UInt64 }

/// How a call ended.
public enum CallOutcome: Hashable, Sendable {
    /// With this answer.
    case reply(JSONObject)
    /// The process that was asked ended before it answered, or was not there.
    case exited(ExitReason)
    /// Nobody answered in time. It may have done what it was asked, or may still.
    case timeout
}
