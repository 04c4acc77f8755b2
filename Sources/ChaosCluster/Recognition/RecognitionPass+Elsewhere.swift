#if !os(Linux)
    import ChaosCore
    import ChaosProxy
    import ChaosSockets

    /// Recognises nobody: other systems do not tell whose a socket is.
    final class RecognitionPass {
        private let diagnostics: SocketDiagnostics

        init(host: ProcessHost, nodes: [NodeName]) throws(SocketDiagnosticsError) {
            self.diagnostics = try SocketDiagnostics()
        }

        /// Knows nobody.
        func openers(of sockets: [OpeningSocket]) -> [Opener] {
            sockets.map { _ in .unknown("this system does not tell whose a socket is") }
        }
    }
#endif
