import ChaosCore
import NodeKit
import Testing

/// S34 in virtual time: what is shown of processes, and what becomes of who shows it.
@Suite("Observer in virtual time")
struct ObserverTests {
    private func ask(
        _ cluster: inout ClusterSimulation, _ body: JSONObject, admin: Bool = false
    ) -> Message? {
        let id = cluster.request("n1", body, from: admin ? Administration.name : "c1")
        cluster.run(for: .milliseconds(300))
        return cluster.replies[id]
    }

    private func text(_ cluster: inout ClusterSimulation) -> String {
        self.ask(&cluster, ["type": "tree_text"])?["text"]?.stringValue ?? ""
    }

    private func end(_ cluster: inout ClusterSimulation, _ process: String) -> Message? {
        self.ask(&cluster, ["type": "end", "process": .string(process)], admin: true)
    }

    @Test func theTreeAsText() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        #expect(
            self.text(&cluster) == """
                root <n1.1.1>
                └─ service <n1.1.2>
                   └─ repository <n1.1.3>
                      └─ connection1 <n1.1.4>
                      └─ connection2 <n1.1.5>
                   └─ telemetry <n1.1.6>
                   └─ endpoint <n1.1.7>
                └─ watching <n1.1.8>
                   └─ observer <n1.1.9>

                """)
    }

    /// Who is killed is started again under another pid, and its siblings keep theirs.
    @Test func aKilledProcessComesBack() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        let before = self.text(&cluster)
        let pid = self.end(&cluster, "connection1")?["pid"]?.stringValue
        let after = self.text(&cluster)
        let gone = Set(before.split(separator: "\n")).subtracting(after.split(separator: "\n"))
        #expect(gone.count == 1 && gone.first?.contains("connection1") == true)
        #expect(after.contains("restarted 1×"))
        // The pid is nobody's any more, and clients kill nobody.
        #expect(self.end(&cluster, pid ?? "")?["code"] == 20)
        #expect(self.ask(&cluster, ["type": "end", "process": "endpoint"])?["code"] == 10)
    }

    /// A process that answers nobody is shown as one that does not, in time.
    @Test(arguments: [("told", true), ("polls", false)])
    func aStuckProcessHoldsNobodyUp(_ variant: String, isAnswered: Bool) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 1)
        cluster.request(
            "n1", ["type": "suspend", "process": "connection1"], from: Administration.name)
        _ = self.ask(&cluster, ["type": "processes"])
        let processes = self.ask(&cluster, ["type": "processes"])?["processes"]?.arrayValue
        #expect((processes != nil) == isAnswered)
        let silent = processes?.filter { $0["answers"] == false }.map { $0["name"] }
        #expect(silent == (isAnswered ? ["connection1"] : nil))
        let waiting = processes?.filter { $0["mailbox"] != 0 }.map { $0["suspended"] }
        #expect(waiting == (isAnswered ? [true] : nil))
        #expect((cluster.ask("n1", ["type": "observe"]) != nil) == isAnswered)
        #expect(cluster.ask("n1", ["type": "echo", "echo": "x"])?["echo"] == "x")
    }

    /// Who stands still goes on with the mail that has come meanwhile.
    @Test func aResumedProcessHasLostNothing() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        for verb in ["suspend", "resume"] {
            let reply = self.ask(
                &cluster, ["type": .string(verb), "process": "connection1"], admin: true)
            #expect(reply?.type == verb + "_ok")
            let processes = self.ask(&cluster, ["type": "processes"])?["processes"]?.arrayValue
            let silent = processes?.count { $0["answers"] == false || $0["mailbox"] != 0 }
            #expect(silent == (verb == "suspend" ? 1 : 0))
        }
        #expect(
            self.ask(&cluster, ["type": "suspend", "process": "nobody"], admin: true)?["code"]
                == 20)
    }

    /// An observer that starts again knows what happened before.
    @Test func restartsAreCountedAcrossTheObserversOwn() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        _ = self.end(&cluster, "connection1")
        _ = self.end(&cluster, "connection1")
        cluster.request("n1", ["type": "crash", "process": "observer"], from: Administration.name)
        cluster.run(for: .milliseconds(10))
        let text = self.text(&cluster)
        #expect(text.contains("restarted 2×") && text.contains("restarted 1×"))
    }

    @Test(arguments: [("told", true), ("in-the-service", false)])
    func anObserverThatCrashesAgainAndAgain(_ variant: String, serves: Bool) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 1)
        for _ in 0..<4 {
            cluster.request(
                "n1", ["type": "crash", "process": "observer"], from: Administration.name)
            cluster.run(for: .milliseconds(10))
        }
        #expect((cluster.ask("n1", ["type": "echo", "echo": "x"])?["echo"] == "x") == serves)
    }

    @Test(arguments: [("told", "unknown"), ("stale-nodes", "up")])
    func aNodeThatIsNotHeard(_ variant: String, shown: String) throws {
        var cluster = try ClusterSimulation("observer", variant, nodes: 2)
        cluster.run(for: .seconds(1))
        #expect(cluster.ask("n1", ["type": "observe"])?["nodes"] == ["n1": "up", "n2": "up"])
        cluster.partition(["n1"], ["n2"])
        cluster.run(for: .seconds(2))
        let nodes = cluster.ask("n1", ["type": "observe"])?["nodes"]
        #expect(nodes == ["n1": "up", "n2": .string(shown)])
    }

    // MARK: - Over HTTP

    private func http(
        _ cluster: inout ClusterSimulation, _ method: String, _ target: String,
        headers: JSONObject = [:]
    ) throws -> (status: Int64?, body: String) {
        let reply = self.ask(&cluster, HTTPRequest.body(method, target, headers: headers))
        if let code = reply?["code"]?.intValue { return (-code, "") }
        return (reply?["status"]?.intValue, reply?["body"]?.stringValue ?? "")
    }

    @Test func programsGetTheSame() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 2)
        cluster.run(for: .seconds(1))
        let text = self.text(&cluster)
        #expect(try self.http(&cluster, "GET", "/observer/tree.txt") == (200, text))
        let nodes = try self.http(&cluster, "GET", "/observer/nodes").body
        #expect(try JSONValue(parsing: nodes) == ["n1": "up", "n2": "up"])
        let tree = try JSONValue(parsing: self.http(&cluster, "GET", "/observer/tree").body)
        #expect(tree["node"] == "n1" && tree["tree"]?.arrayValue?.first?["name"] == "root")
        let list = try JSONValue(parsing: self.http(&cluster, "GET", "/observer/processes").body)
        #expect(list["processes"]?.arrayValue?.count == 9)
        #expect(list["processes"]?.arrayValue?.allSatisfy { $0["answers"] == true } == true)
    }

    @Test func thePageNeedsNothingFromElsewhere() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        let (status, page) = try self.http(&cluster, "GET", "/observer")
        #expect(status == 200 && page.hasPrefix("<!DOCTYPE html>"))
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("src="))
        #expect(try self.http(&cluster, "GET", "/").status == 302)
        #expect(try self.http(&cluster, "GET", "/observer/else").status == 404)
    }

    @Test func ordersOverHTTP() throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        #expect(
            try self.http(&cluster, "POST", "/observer/kill/connection1")
                == (200, "kill <n1.1.4>\n"))
        #expect(self.text(&cluster).contains("restarted 1×"))
        #expect(
            try self.http(&cluster, "POST", "/observer/suspend/%3Cn1.1.5%3E")
                == (200, "suspend <n1.1.5>\n"))
        #expect(
            try self.http(&cluster, "POST", "/observer/kill/nobody")
                == (404, "there is no process 'nobody'\n"))
        for target in ["/observer/hug/connection2", "/observer/suspend/observer"] {
            #expect(try self.http(&cluster, "POST", target).status == 404)
        }
    }

    /// A page of somebody else's, in the same browser.
    @Test(arguments: [
        ("http://n1:8080", Int64(200)), ("http://elsewhere", 403),
        ("http://elsewhere/n1:8080", 403),
        ("null", 403),
    ])
    func ordersFromOtherPages(_ origin: String, status: Int64) throws {
        var cluster = try ClusterSimulation("observer", "told", nodes: 1)
        let headers: JSONObject = ["host": "n1:8080", "origin": .string(origin)]
        let answer = try self.http(
            &cluster, "POST", "/observer/kill/connection1", headers: headers)
        #expect(answer.status == status)
        #expect(self.text(&cluster).contains("restarted") == (status == 200))
    }
}
