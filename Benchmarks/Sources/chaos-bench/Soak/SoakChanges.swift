import Foundation
import Synchronization

/// How long control requests took, by what was asked, and how often they were refused.
struct SoakControlTimes {
    /// Nanoseconds by operation.
    private(set) var times: [String: [UInt64]] = [:]
    /// Replies that said no, by code.
    private(set) var refused: [String: Int] = [:]

    mutating func note(_ operation: String, _ nanoseconds: UInt64) {
        self.times[operation, default: []].append(nanoseconds)
    }

    mutating func noteRefusal(_ code: String) { self.refused[code, default: 0] += 1 }

    /// Of everything that is answered as soon as the network has changed.
    var requests: Percentiles {
        Percentiles(self.times.filter { !Self.waiting.contains($0.key) }.flatMap(\.value))
    }

    /// Those that wait until a process has ended or is ready.
    static let waiting: Set<String> = ["kill", "restart"]
}

/// Changes the network every so often, and what happens to nodes; each on a thread of its own.
final class SoakChanges: Sendable {
    let times = Mutex(SoakControlTimes())
    private let controlPath: String
    private let isStopped = Atomic<Bool>(false)
    private let threads = Mutex<[Background<Void>]>([])
    private let violation: @Sendable (String) -> Void

    init(_ cluster: SoakCluster, violation: @escaping @Sendable (String) -> Void) {
        self.controlPath = cluster.controlPath
        self.violation = violation
    }

    private func thread(
        _ name: String, _ body: @escaping @Sendable (ControlSocket) throws -> Void
    ) {
        let thread = Background<Void>("soak-\(name)") {
            do { try body(ControlSocket(at: self.controlPath)) } catch {
                self.violation("\(name): \(error)")
            }
        }
        self.threads.withLock { $0.append(thread) }
    }

    private var isOver: Bool { self.isStopped.load(ordering: .relaxed) }

    /// Stops; returns when the last request was answered.
    func stop() {
        self.isStopped.store(true, ordering: .sequentiallyConsistent)
        let threads = self.threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { try? thread.wait() }
    }

    /// Asks and times. What chaos may refuse at this moment is counted; all else is a violation.
    private func ask(_ control: ControlSocket, _ operation: String, _ request: String) throws {
        let begin = MonotonicClock.now
        let reply = try control.reply(to: request)
        let time = MonotonicClock.now - begin
        let isOk = reply.contains(#""ok":true"#)
        // What has ended by itself cannot be ended, and a node that is down cannot be paused.
        let code = ["not-found", "conflict"].first { reply.contains(#""code":"\#($0)""#) }
        self.times.withLock { times in
            times.note(operation, time)
            if !isOk { times.noteRefusal(code ?? "other") }
        }
        if !isOk && code == nil {
            self.violation("control: '\(request)' was answered with '\(reply.prefix(300))'")
        }
    }

    // MARK: - Faults and cuts

    /// Makes a change every `interval` seconds.
    func changeNetwork(every interval: Double, seed: UInt64) {
        self.thread("changes") { control in
            var generator = SplitMix(seed: seed)
            var next = MonotonicClock.after(interval)
            while !self.isOver {
                let (operation, request) = Self.change(&generator)
                try self.ask(control, operation, request)
                while MonotonicClock.now < next, !self.isOver {
                    usleep(UInt32(min(5000, (next - min(next, MonotonicClock.now)) / 1000 + 1)))
                }
                next = max(next + UInt64(interval * 1e9), MonotonicClock.now)
            }
        }
        self.thread("status") { control in
            while !self.isOver {
                try self.ask(control, "status", #"{"op":"status"}"#)
                Pause.milliseconds(100)
            }
        }
    }

    private static let nodeLinks = [
        "n1->n2", "n2->n1", "n2->n3", "n3->n1", "n1<->n3", "*->n2", "n3->*", "client->n1",
        "n2->client", "client<->n3",
    ]
    private static let serverLinks = ["client->bench", "bench->client", "client<->bench"]
    private static let faults = [
        "delay=5ms,2ms", "delay=50ms", "delay=1ms,500us,50%,normal", "loss=1%", "loss=20%",
        "loss=gemodel 1% 20%", "rate=10mbit", "rate=1gbit", "slicer=1kB,500B,100us",
        "coalesce=5ms", "slow_close=20ms",
    ]
    /// They break connections.
    private static let breaking = ["reset_peer=20ms", "refuse", "accept_delay=20ms"]
    /// They end a stream before its end, so they are kept from the server that judges that.
    private static let truncating = ["limit_data=100kB", "timeout=50ms"]
    private static let messageFaults = [
        "loss=10%", "duplicate=20%", "reorder=20%", "ack_loss=2%", "delay=5ms", "loss=nth:5",
        "duplicate=nth:3",
    ]
    private static let partitions = [
        "n1 / n2 n3", "n1 n2 / n2 n3", "isolate n2", "n1 -> n2", "n2 n3 -> n1", "halves",
        "random-halves", "majority", "majorities-ring", "client / n1", "client -> n3",
        "client / bench",
    ]

    /// Draws a change: what it is called, and the request.
    static func change(_ generator: inout SplitMix) -> (operation: String, request: String) {
        let lease = "\(generator.number(30...1000))ms"
        switch generator.number(0...19) {
        case 0...8:
            let isServer = generator.number(0...2) == 0
            let link = generator.pick(isServer ? Self.serverLinks : Self.nodeLinks)
            let isMessages = !isServer && generator.number(0...2) == 0
            let kinds =
                isMessages
                ? Self.messageFaults
                : Self.faults + Self.breaking + (isServer ? [] : Self.truncating)
            let fault = generator.pick(kinds)
            return (
                "set",
                #"{"op":"set","link":"\#(link)\#(isMessages ? ":lines" : "")","#
                    + #""faults":["\#(fault)"],"for":"\#(lease)"}"#
            )
        case 9...14:
            let partition = generator.pick(Self.partitions)
            let hasServer = partition.contains("bench")
            let mode = generator.pick([
                "drop", "reject", "hold", "new-only", "established-only",
                hasServer ? "hold" : "lose",
            ])
            // Only what has a framing can lose messages.
            let ports = mode == "lose" ? #","ports":["lines"]"# : ""
            return (
                "partition",
                #"{"op":"partition","partition":"\#(partition)","mode":"\#(mode)"\#(ports),"#
                    + #""for":"\#(lease)"}"#
            )
        case 15:
            let link = generator.pick(Self.nodeLinks + Self.serverLinks)
            return ("hold", #"{"op":"hold","links":["\#(link)"],"for":"\#(lease)"}"#)
        case 16: return ("release", #"{"op":"release"}"#)
        case 17: return ("heal", #"{"op":"heal"}"#)
        case 18: return ("clear", #"{"op":"clear"}"#)
        default: return ("ping", #"{"op":"ping"}"#)
        }
    }

    // MARK: - Processes

    /// Kills, pauses and restarts nodes, through chaos and behind its back.
    func disturbNodes(seed: UInt64) {
        self.thread("nodes") { control in
            var generator = SplitMix(seed: seed)
            func rest(_ seconds: Double) {
                let end = MonotonicClock.after(seconds)
                while MonotonicClock.now < end, !self.isOver { Pause.milliseconds(20) }
            }
            func ask(_ operation: String, _ node: String) throws {
                try self.ask(
                    control, operation, #"{"op":"\#(operation)","nodes":["\#(node)"]}"#)
            }
            while !self.isOver {
                rest(Double(generator.number(2000...4000)) / 1000)
                if self.isOver { break }
                let node = generator.pick(SoakCluster.nodes)
                switch generator.number(0...2) {
                case 0:
                    try ask("pause", node)
                    rest(Double(generator.number(50...1000)) / 1000)
                    try ask("resume", node)
                case 1:
                    try ask("kill", node)
                    rest(Double(generator.number(50...1000)) / 1000)
                    try ask("restart", node)
                default:
                    let status = try SoakStatus(control.ask(#"{"op":"status"}"#))
                    let found = status.nodes.first { $0.name == node }
                    if let process = found?.process { kill(process, SIGKILL) }
                    // Its policy starts it again, but not more than five times in 30 s.
                    rest(5)
                }
            }
            // The last phase needs all of them.
            for node in SoakCluster.nodes { try ask("resume", node) }
        }
    }
}
