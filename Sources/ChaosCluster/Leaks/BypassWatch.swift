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
/// connection that no address explains it finds out whose process has it open (proc_pid_fd(5)).
/// Reported are:
///
/// - a node that is connected, or tries to connect, to another node: at the address where that
///   one listens, or at any other address or undeclared port at which one of its processes does;
/// - anybody else who is connected to a declared port of a node, as `client`. Chaos itself, which
///   asks nodes whether they are ready, is no leak.
///
/// Connections that are opened and closed between two looks are missed, and so are UDP and abstract
/// Unix sockets: silence proves little. A process that has left its node's session *and* has been
/// started with an emptied environment counts as `client`.
package final class BypassWatch: Sendable {
    /// Whether leaks can be found on this system; elsewhere than on Linux the watch finds nothing.
    package static let canTell = BypassScan.canTell

    /// Half of the second within which a leak is to be found.
    private static let interval = DispatchTimeInterval.milliseconds(500)

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
        self.lookAgain(after: .seconds(0))
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

    private func lookAgain(after pause: DispatchTimeInterval) {
        self.queue.asyncAfter(deadline: .now() + pause) { [weak self] in
            guard let self, self.look() else { return }
            self.lookAgain(after: Self.interval)
        }
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
