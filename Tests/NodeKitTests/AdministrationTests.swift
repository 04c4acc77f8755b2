import Foundation
import NodeKit
import Testing

/// The administrator's port of a node that runs.
@Suite struct AdministrationTests {
    /// Ends its one process when told to.
    private struct Root: Behaviour {
        mutating func handle(
            _ mail: Mail, _ context: inout ProcessContext
        ) throws(ProcessExit) {
            if case .request(let request) = mail {
                context.answer(.reply(to: request, ["type": "ping_ok"]))
            }
        }
    }

    private func withNode(
        folder: String? = nil, _ body: (TCPNode, Administration.Port) async throws -> Void
    ) async throws {
        let path = "/tmp/chaos-admin-\(UUID().uuidString.prefix(8))"
        let port = Administration.Port.unix(path)
        let node = try await TCPNode.listen(host: "127.0.0.1", port: 0)
        try await node.run(
            ProcessNode(requests: ["ping": "root"]) {
                Supervisor(.oneForOne, [.init("worker") { Root() }])
            }, id: "n1", folder: folder, admin: port)
        do { try await body(node, port) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
        try? FileManager.default.removeItem(atPath: path)
    }

    @Test func aProcessCrashesAndIsStartedAgain() async throws {
        try await self.withNode { _, port in
            let before = try await Administration.ask(["type": "tree"], node: "n1", at: port)
            let answer = try await Administration.ask(
                ["type": "crash", "process": "worker"], node: "n1", at: port)
            #expect(answer["type"] == "crash_ok")
            let after = try await Administration.ask(["type": "tree"], node: "n1", at: port)
            func pids(_ tree: JSONObject) -> [String: String] {
                var pids: [String: String] = [:]
                for process in tree["processes"]?.arrayValue ?? [] {
                    pids[process["name"]?.stringValue ?? ""] = process["pid"]?.stringValue
                }
                return pids
            }
            #expect(pids(before).keys.sorted() == ["root", "worker"])
            #expect(pids(before)["root"] == pids(after)["root"])
            #expect(pids(before)["worker"] != pids(after)["worker"])
        }
    }

    @Test func whatIsNotThereIsNamed() async throws {
        try await self.withNode { _, port in
            let error = await #expect(throws: NodeError.self) {
                try await Administration.ask(
                    ["type": "crash", "process": "nobody"], node: "n1", at: port)
            }
            #expect(
                error?.sentence
                    == "'n1' refuses: there is no process 'nobody'; there are root, worker")
        }
    }

    /// Who speaks under the administrator's name anywhere else is not heard.
    @Test func thePortMakesTheAdministrator() async throws {
        try await self.withNode { node, _ in
            let error = await #expect(throws: NodeError.self) {
                try await Administration.ask(
                    ["type": "tree"], node: "n1", at: .tcp(host: node.host, port: node.port),
                    within: .milliseconds(300))
            }
            #expect(error?.sentence == "'n1' did not answer its administrator within 300ms")
        }
    }

    @Test func aClockJumpsForTheNextLife() async throws {
        let folder = "/tmp/chaos-clock-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await self.withNode(folder: folder) { _, port in
            let answer = try await Administration.ask(
                ["type": "clock", "jump_ms": -5000], node: "n1", at: port)
            #expect(answer["type"] == "clock_ok")
        }
        let storage = try NodeStorage(in: folder, id: "n1", date: .seconds(100))
        #expect(storage.life.date == .seconds(95))
    }
}
