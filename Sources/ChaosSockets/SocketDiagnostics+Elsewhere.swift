#if !(os(Linux) && Netlink)
    /// Answers nothing: it was built without netlink.
    package final class SocketDiagnostics {
        /// Always fails.
        package init() throws(SocketDiagnosticsError) {
            #if os(Linux)
                throw SocketDiagnosticsError("chaos was built without the trait 'Netlink'")
            #else
                throw SocketDiagnosticsError("only Linux has socket diagnostics")
            #endif
        }

        /// Finds nothing.
        package func find(_ sockets: [SocketPair]) throws(SocketDiagnosticsError) -> [SocketRecord?]
        {
            sockets.map { _ in nil }
        }

        /// Finds nothing.
        package func findDatagramSockets(
            _ sockets: [SocketPair]
        ) throws(SocketDiagnosticsError) -> [SocketRecord?] { sockets.map { _ in nil } }

        /// Finds nothing.
        package func connectedDatagramSockets() throws(SocketDiagnosticsError) -> [SocketRecord] {
            []
        }

        /// Finds nothing.
        package func tcpSockets(
            in states: TCPStates, to port: UInt16? = nil
        ) throws(SocketDiagnosticsError) -> [SocketRecord] { [] }

        /// Finds nothing.
        package func unixSockets() throws(SocketDiagnosticsError) -> [UnixSocketRecord] { [] }
    }
#endif
