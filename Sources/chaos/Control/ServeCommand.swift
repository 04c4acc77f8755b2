import ArgumentParser
import ChaosControl
import ChaosControlHTTP
import ChaosCore
import Foundation

/// `chaos serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve a live run's control operations over HTTP.",
        discussion: """
            curl localhost:8480/status
            curl localhost:8480/partition -d '{"partition":"n1 / n2 n3","for":"10s"}'
            curl -N localhost:8480/events

            The members are those of docs/CONTROL.md. It ends with the run.
            """)

    @OptionGroup var control: ControlOptions

    @Option(help: "Where it listens, as HOST:PORT, [HOST]:PORT or PORT.")
    var listen = "127.0.0.1:8480"

    @Option(
        help:
            "What requests must show as 'Authorization: Bearer TOKEN'; needed unless it listens on loopback. Default: CHAOS_CONTROL_TOKEN."
    )
    var token: String?

    func run() async throws {
        let session = ControlSession(options: self.control)
        do {
            let run = try session.finder.find(
                self.control.run ?? session.environment["CHAOS_RUN_DIR"])
            let address = try self.address()
            let token = self.token ?? session.environment["CHAOS_CONTROL_TOKEN"]
            let gateway = try ControlGateway(
                to: run.socket, host: address.host, port: address.port,
                token: token.flatMap { $0.isEmpty ? nil : $0 })
            let client = try await ControlClient.connect(to: run.socket)
            let events = try await client.events()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await gateway.run { port in
                        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
                        ControlSession.print(["\(run.directoryName) at http://\(host):\(port)"])
                    }
                }
                // The events end with the run.
                group.addTask { for await _ in events {} }
                try await group.next()
                group.cancelAll()
            }
            await client.close()
        } catch let error as InputError {
            printError("\(error)")
            throw ExitCode(64)
        } catch { throw session.exit(error) }
    }

    private func address() throws(InputError) -> (host: String, port: Int) {
        let rule = "--listen is HOST:PORT, [HOST]:PORT or PORT"
        if let port = UInt16(self.listen) { return ("127.0.0.1", Int(port)) }
        guard let colon = self.listen.lastIndex(of: ":"),
            let port = UInt16(self.listen[self.listen.index(after: colon)...])
        else { throw InputError(rule, found: self.listen, hint: "such as 127.0.0.1:8480") }
        var host = String(self.listen[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host.isEmpty {
            throw InputError(rule, found: self.listen, hint: "0.0.0.0 is all of them")
        }
        return (host, Int(port))
    }
}
