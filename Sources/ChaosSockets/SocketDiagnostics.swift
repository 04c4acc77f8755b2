// Asks the kernel about sockets (sock_diag(7)). Which sockets exist, and which is the one at the other
// end of a connection, is the kernel's to say; whose they are, /proc has to tell: see `ProcessHandle`.
//
// Built without the package trait `Netlink`, and on other systems than Linux, nothing can be asked.

/// Why sockets cannot be asked for.
package struct SocketDiagnosticsError: Error, CustomStringConvertible, Sendable {
    /// One clause: `the kernel must …`.
    package let description: String

    package init(_ description: String) { self.description = description }
}

extension SocketDiagnostics {
    /// Says whether this program on this machine can tell sockets apart; `nil` if it can.
    ///
    /// - Parameter withDatagrams: Whether UDP sockets must be told apart too: the kernel has a module
    ///   of its own for them (`udp_diag`).
    package static func obstacle(withDatagrams: Bool = false) -> SocketDiagnosticsError? {
        do throws(SocketDiagnosticsError) {
            let diagnostics = try SocketDiagnostics()
            // Listening sockets are few: a short question that fails where the kernel has no answers.
            _ = try diagnostics.tcpSockets(in: .listening)
            if withDatagrams { _ = try diagnostics.connectedDatagramSockets() }
            return nil
        } catch { return error }
    }
}
