import ChaosCore
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Watches for connections, of TCP and of Unix sockets, that reach a node without a proxy in between.
///
/// It looks every half second, on a thread of its own, at the kernel's sockets (sock_diag(7)); of a
/// connection that no address explains it finds out whose process has it open (proc_pid_fd(5)). Where
/// looks take long, because the machine has so many sockets, it pauses for longer, up to two seconds.
/// Reported are:
///
/// - a node that is connected, or tries to connect, to another node: at the address where that
///   one listens, or at any other address or undeclared port at which one of its processes does;
/// - anybody else who is connected to a declared port of a node, as `client`. Chaos itself, which
///   asks nodes whether they are ready, is no leak.
///
/// Connections that are opened and closed between two looks are missed, and so are abstract Unix sockets
/// and UDP sockets that send without being connected: silence proves little. A process that has left its node's session *and* has been
/// started with an emptied environment counts as `client`.
package final class BypassWatch: Sendable {
    /// Whether leaks can be found on this system; elsewhere than on Linux the watch finds nothing.
    package static let canTell = BypassScan.canTell

    /// Half of the second within which a leak is to be found.
    private static let interval = Duration.milliseconds(500)
    /// A look walks through all sockets of the kernel: with tens of thousands it takes a tenth of a
    /// second of a processor, which the traffic would miss.
    private static let longestInterval = Duration.seconds(2)
    /// The pause after a look, in times of what the look took.
    private static let restfulness = 20

    private struct State {
        var scan: BypassScan
        var onFound: (@Sendable (Bypass) -> Void)?
    }

    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "chaos.leaks")

    /// Makes a watch that does not look yet.
    ///
    /// - Parameters:
    ///   - plan: Who listens where.
    ///   - host: Who started the nodes; the families are the nodes' names.
    ///   - chaos: The process that has the proxies' sockets open.
    package init(plan: AddressPlan, host: ProcessHost, chaos: ProcessID = ProcessID(getpid())) {
        self.state = Mutex(
            State(scan: BypassScan(plan: plan, host: host, chaos: chaos.rawValue)))
    }

    /// Begins to look, at once and then every half second, until `stop` or the watch's end. A
    /// watch begins once.
    ///
    /// - Parameter onFound: Called on the watch's own thread, once for each dialer, node and
    ///   address.
    package func start(onFound: @escaping @Sendable (Bypass) -> Void) {
        self.state.withLock { $0.onFound = onFound }
        self.lookAgain(after: .zero)
    }

    /// Looks a last time, then no more; returns when nothing is reported any longer.
    ///
    /// Call it while the nodes still run: what they have open is gone with them.
    package func stop() async {
        await withCheckedContinuation { continuation in
            self.queue.async {
                self.look()
                self.state.withLock { $0.onFound = nil }
                continuation.resume()
            }
        }
    }

    private func lookAgain(after pause: Duration) {
        let nanoseconds = DispatchTimeInterval.nanoseconds(Int(pause.wholeNanoseconds))
        self.queue.asyncAfter(deadline: .now() + nanoseconds) { [weak self] in
            guard let self else { return }
            let begin = ContinuousClock.now
            guard self.look() else { return }
            self.lookAgain(after: Self.pause(afterLook: ContinuousClock.now - begin))
        }
    }

    /// How long to wait after a look that took so long.
    static func pause(afterLook length: Duration) -> Duration {
        min(max(Self.interval, length * Self.restfulness), Self.longestInterval)
    }

    /// Looks once. Returns false when nobody wants to know any more.
    @discardableResult
    private func look() -> Bool {
        let (onFound, found) = self.state.withLock { state in
            guard let onFound = state.onFound else {
                return (Optional<@Sendable (Bypass) -> Void>.none, [Bypass]())
            }
            return (onFound, state.scan.look())
        }
        guard let onFound else { return false }
        for bypass in found { onFound(bypass) }
        return true
    }
}
