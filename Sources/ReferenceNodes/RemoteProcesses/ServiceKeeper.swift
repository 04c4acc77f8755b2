import ChaosCore
import NodeKit

/// Sees to it that a service runs on one node of all that hear each other: where it is not heard of for a second, the first
/// of them by name starts it, under the next epoch.
///
/// Whether a node that is not heard lives, nobody can know, so during a cut there may be an instance on each side. Every keeper
/// tells the newest instance that it knows of, and an instance that hears of a newer one ends. (What the older one still does
/// meanwhile, a resource refuses by its epoch: that is the `registry`'s lesson on fencing.)
struct ServiceKeeper: Behaviour {
    /// An instance of the service, and how often it was said to be there.
    private struct Instance: Sendable {
        let epoch: Int64
        let pid: PID
        var beat: Int64

        func isNewer(than other: Instance) -> Bool {
            (self.epoch, self.pid.node) > (other.epoch, other.pid.node)
        }

        var json: JSONObject {
            [
                "type": "instance", "epoch": .int(self.epoch), "pid": self.pid.json,
                "beat": .int(self.beat),
            ]
        }

        init(epoch: Int64, pid: PID, beat: Int64 = 0) {
            self.epoch = epoch
            self.pid = pid
            self.beat = beat
        }

        init?(_ body: JSONObject) {
            guard let epoch = body["epoch"]?.intValue, let pid = PID(json: body["pid"]),
                let beat = body["beat"]?.intValue
            else { return nil }
            self.init(epoch: epoch, pid: pid, beat: beat)
        }
    }

    /// The time between two words about the service.
    private static let interval = Duration.milliseconds(200)
    /// How long the service may not be heard of before it is started.
    private static let lease = Duration.seconds(1)

    private let flaws: Set<RemoteProcesses.Flaw>
    /// The instance on this node.
    private var own: Instance?
    /// The newest instance that was heard of, where it is not over.
    private var newest: Instance?
    private var lastEpoch: Int64 = 0
    private var lastHeard = Duration.zero
    private var watch: MonitorReference?

    init(flaws: Set<RemoteProcesses.Flaw>) { self.flaws = flaws }

    mutating func handle(_ mail: Mail, _ context: inout ProcessContext) throws(ProcessExit) {
        switch mail {
        case .started:
            self.lastHeard = context.now
            context.setTimer("tell", after: Self.interval)
        case .timer:
            self.place(&context)
            self.tell(&context)
            context.setTimer("tell", after: Self.interval)
        case .nodeUp(let node):
            if let newest = self.newest, newest.pid.node == node {
                self.watch = context.monitor(.pid(newest.pid))
            }
            self.tell(&context)
        case .cast(let body):
            if let instance = Instance(body) { self.learn(instance, &context) }
        case .down(let reference, _, let reason) where reference == self.watch:
            // A node that cannot be heard may be heard of: its lease runs on.
            if reason == .noConnection, !self.flaws.contains(.takesSilenceForDeath) { return }
            if self.newest?.pid == self.own?.pid { self.own = nil }
            self.newest = nil
            self.lastHeard = min(self.lastHeard, context.now - Self.lease)
        case .request(let request):
            let epoch = self.own.map { JSONValue.int($0.epoch) } ?? .null
            context.answer(.reply(to: request, ["type": "service_ok", "epoch": epoch]))
        default: break
        }
    }

    /// Starts the service where nobody was heard of who runs it, and this node is the first of those that can be heard.
    private mutating func place(_ context: inout ProcessContext) {
        // One that has slept is still there.
        if self.own != nil, self.own?.pid == self.newest?.pid { return }
        let isFirst = context.connected.allSatisfy { context.pid.node < $0 }
        if !isFirst || context.now - self.lastHeard < Self.lease { return }
        if let own = self.own { context.exit(own.pid, .shutdown) }
        let pid = context.spawn(Worker(lives: nil, ends: .normal), isLinked: false)
        let instance = Instance(epoch: self.lastEpoch + 1, pid: pid)
        self.own = instance
        self.follow(instance, &context)
    }

    /// The newest instance from now on.
    private mutating func follow(_ instance: Instance, _ context: inout ProcessContext) {
        if let watch = self.watch { context.demonitor(watch) }
        self.newest = instance
        self.lastEpoch = max(self.lastEpoch, instance.epoch)
        self.lastHeard = context.now
        self.watch = context.monitor(.pid(instance.pid))
    }

    private mutating func learn(_ instance: Instance, _ context: inout ProcessContext) {
        if let newest = self.newest, instance.pid == newest.pid {
            guard instance.beat > newest.beat else { return }
            self.newest?.beat = instance.beat
            self.lastHeard = context.now
            return
        }
        if let newest = self.newest, !instance.isNewer(than: newest) { return }
        // One that is over does not come back because somebody has not heard of its end.
        if self.newest == nil, instance.epoch <= self.lastEpoch { return }
        if let own = self.own, !self.flaws.contains(.takesSilenceForDeath) {
            context.exit(own.pid, .shutdown)
            self.own = nil
        }
        self.follow(instance, &context)
    }

    private mutating func tell(_ context: inout ProcessContext) {
        if self.own != nil, self.own?.pid == self.newest?.pid {
            self.newest?.beat += 1
            self.lastHeard = context.now
        }
        guard let newest = self.newest else { return }
        context.castToOthers(RemoteProcesses.keeper, newest.json)
    }
}
