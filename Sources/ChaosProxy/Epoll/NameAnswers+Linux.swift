#if os(Linux)
    import ChaosCore
    import NIOCore

    /// Who waits for the addresses of a name: connections that ask for the same one meanwhile share the
    /// answer. In the plane's books.
    final class NameAnswers {
        typealias Finish = (Result<[SocketAddress], any Error>) -> Void

        private let mailbox: Mailbox
        private var waiting: [Endpoint: [Finish]] = [:]

        init(_ mailbox: Mailbox) { self.mailbox = mailbox }

        /// Finds the addresses of a name. `finish` is called while all threads stand still.
        func lookUp(_ endpoint: Endpoint, _ finish: @escaping Finish) {
            if self.waiting[endpoint] != nil {
                self.waiting[endpoint]?.append(finish)
                return
            }
            self.waiting[endpoint] = [finish]
            let mailbox = self.mailbox
            NameLookup.addresses(of: endpoint) { result in
                _ = mailbox.post { plane in plane.names.answer(endpoint, result) }
            }
        }

        private func answer(_ endpoint: Endpoint, _ result: Result<[SocketAddress], any Error>) {
            for finish in self.waiting.removeValue(forKey: endpoint) ?? [] { finish(result) }
        }
    }
#endif
