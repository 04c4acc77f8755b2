import ChaosCore
import Foundation
import Testing

/// Clusters that speak HTTP, the Redis protocol, or whatever a program of the user's speaks.
@Suite(.serialized) struct GenericWorkloadTests {
    private static func scenario(nodes: String, command: String, workload: String) -> String {
        """
        nodes:
          \(nodes): { command: '\(command)' }
        workload: { \(workload), rate: 150/s, for: 3s }
        """
    }

    private static let http = """
        kind: http, like: lin-kv, requests: {
          read: { get: '/kv/{key}', value: data.value, absent: 404 },
          write: { put: '/kv/{key}', body: '{value}' },
          cas: { post: '/kv/{key}/cas', body: '{"from": {from}, "to": {to}}', fail: [409] } }
        """

    private func server() -> String { MaelstromPrograms.fixture("kv-server.py") + " {listen}" }

    /// One server is linearizable; two that do not know each other are not.
    @Test(arguments: [("n1", Int32(0)), ("n1..n2", 1)])
    func requestsFromATemplate(nodes: String, code: Int32) async throws {
        let directory = try TestDirectory()
        try directory.write(
            Self.scenario(nodes: nodes, command: self.server(), workload: Self.http), to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seed", "1")
        #expect(test.code == code, "\(test.out)\(test.err)")
        let functions = try directory.results()["statistics"]?["operations"]?["by_function"]
        for name in ["read", "write", "cas"] {
            #expect((functions?[name]?["ok"]?.intValue ?? 0) > 3, "\(name): \(test.out)")
        }
        #expect(await directory.hasNothingLeft())
    }

    @Test(arguments: [("n1", Int32(0)), ("n1..n2", 1)])
    func aProgramOfTheUsers(nodes: String, code: Int32) async throws {
        let directory = try TestDirectory()
        let client = MaelstromPrograms.fixture("kv-client.py")
        try directory.write(
            Self.scenario(
                nodes: nodes, command: self.server(),
                workload: "kind: client, like: lin-kv, command: '\(client)'"), to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seed", "1")
        #expect(test.code == code, "\(test.out)\(test.err)")
        #expect(await directory.hasNothingLeft())
    }

    @Test(arguments: [("n1", Int32(0)), ("n1..n2", 1)])
    func commandsOfRedis(nodes: String, code: Int32) async throws {
        let directory = try TestDirectory()
        try directory.write(
            Self.scenario(
                nodes: nodes,
                command: "redis-server --bind {host} --port {port} --save \"\" --dir {dir}"
                    + " --protected-mode no",
                workload: """
                    kind: resp, like: g-set, recovery: 200ms, requests: {
                      add: [SADD, set, '{value}'], read: [SMEMBERS, set] }
                    """), to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seed", "1")
        #expect(test.code == code, "\(test.out)\(test.err)")
        #expect(test.out.contains(code == 0 ? "elements in every final read" : "lost"))
        #expect(await directory.hasNothingLeft())
    }

    /// What a server that is down does not get has no effect; what nobody answers is unknown.
    @Test func outcomesAreTold() async throws {
        let directory = try TestDirectory()
        try directory.write(
            Self.scenario(nodes: "n1", command: self.server(), workload: Self.http)
                + "\nschedule: [{ at: 300ms, for: 500ms, partition: n1 / client, mode: reject }]\n",
            to: "s.yaml")
        let test = try await directory.finished("test", "s.yaml", "--seed", "1")
        #expect(test.code == 0, "\(test.out)\(test.err)")
        let operations = try directory.results()["statistics"]?["operations"]
        #expect((operations?["errors"]?.objectValue?.members ?? []).isEmpty == false)
    }

    @Test(arguments: [
        ("kind: http", "'requests' says how each operation is asked for"),
        ("kind: http, requests: { read: /x }", "'requests': a request is a mapping"),
        (
            "kind: http, requests: { read: { get: /x, valeu: y } }",
            "'requests.read' has no such key, found 'valeu'"
        ),
        ("kind: client", "'command' is the program that carries out operations"),
        ("kind: client, command: x, like: kafka", "'like' is one of lin-kv"),
        (
            "kind: resp, requests: { read: [GET, x] }, loop: open",
            "write 'loop: closed', or nothing"
        ),
    ])
    func mistakesAreTold(workload: String, message: String) async throws {
        let directory = try TestDirectory()
        try directory.write(
            "nodes: { n1: { command: x } }\nworkload: { \(workload) }\n", to: "s.yaml")
        let check = try await directory.finished("check", "s.yaml")
        #expect(check.code == 65)
        #expect(check.err.contains(message), "\(check.err)")
    }
}
