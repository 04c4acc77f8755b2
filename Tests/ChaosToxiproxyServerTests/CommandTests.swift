import ChaosCore
import Foundation
import Testing

/// The commands as people type them.
@Suite("Commands", .serialized)
struct CommandTests {
    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Programs.Result {
        try Programs.run(Programs.chaos, arguments, environment: environment)
    }

    /// Starts `chaos proxy`; returns it once it listens, with its port.
    private func serve(_ arguments: [String] = []) throws -> (Process, port: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = Programs.chaos
        process.arguments = ["proxy", "-host", "127.0.0.1", "-port", "0"] + arguments
        process.standardOutput = output
        try process.run()
        var text = ""
        while true {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
            if text.contains("Starting Toxiproxy HTTP server\"}\n") { break }
        }
        let line = try #require(text.split(separator: "\n").last { $0.contains("Starting") })
        let address = try JSONValue(parsing: String(line))["address"]?.stringValue
        return (process, String(try #require(address?.split(separator: ":").last)))
    }

    @Test("chaos toxic says what toxiproxy-cli says")
    func toxic() throws {
        let (process, port) = try self.serve(["--seed", "7"])
        defer { if process.isRunning { process.terminate() } }
        let place = ["TOXIPROXY_URL": "http://127.0.0.1:\(port)"]
        func toxic(_ words: String) throws -> String {
            let result = try self.run(
                ["toxic"] + words.split(separator: " ").map(String.init), environment: place)
            return "\(result.code) \(result.output)\(result.errors)"
        }
        #expect(try toxic("list") == "0 ")
        #expect(
            try toxic("create -l localhost:0 -u localhost:1 db") == "0 Created new proxy db\n")
        #expect(
            try toxic("add -t latency -a latency=100 -a jitter=50 --tox 0.5 db")
                == "0 Added downstream latency toxic 'latency_downstream' on proxy 'db'\n")
        #expect(
            try toxic("inspect db")
                == "0 latency_downstream\ttype=latency\tstream=downstream\ttoxicity=0.50"
                + "\tattributes=[\tjitter=50\tlatency=100\t]\n")
        // Upstream's own client would reset the toxicity to 1 here.
        #expect(
            try toxic("update -n latency_downstream -a jitter=25 db")
                == "0 Updated toxic 'latency_downstream' on proxy 'db'\n")
        #expect(try toxic("ins db").contains("toxicity=0.50\tattributes=[\tjitter=25\tlatency=100"))
        #expect(try toxic("toggle db") == "0 Proxy db is now disabled\n")
        let listed = try toxic("ls")
        #expect(listed.hasPrefix("0 db\t127.0.0.1:"))
        #expect(listed.hasSuffix("\tlocalhost:1\tdisabled\t1\n"))
        #expect(
            try toxic("toxic remove -n latency_downstream db")
                == "0 Removed toxic 'latency_downstream' on proxy 'db'\n")
        #expect(
            try toxic("remove -n x db") == "1 Failed to remove toxic: HTTP 404: toxic not found\n")
        #expect(try toxic("reset") == "0 Reset all proxies\n")
        #expect(try toxic("delete db") == "0 Deleted proxy db\n")
        #expect(
            try toxic("delete db")
                == "1 Failed to retrieve proxy db: HTTP 404: proxy not found\n")
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(process.terminationReason == .exit)
    }

    @Test("mistakes end as they do with toxiproxy-cli and toxiproxy-server")
    func exitCodes() throws {
        let unknown = try self.run(["toxic", "lst"])
        #expect(unknown.code == 3)
        #expect(
            unknown.errors
                == "there is no such command, found 'lst'\nhint: did you mean 'list'?\n")
        let missing = try self.run(["toxic", "create", "db"])
        #expect(missing.code == 1)
        #expect(missing.errors.hasPrefix("Error: Missing expected argument '--listen <listen>'"))
        #expect(missing.output.contains("USAGE: chaos toxic create"))
        #expect(try self.run(["toxic", "list", "--host", "127.0.0.1:1"]).code == 1)
        #expect(try self.run(["toxic", "help", "list"]).code == 0)
        #expect(try self.run(["toxic", "-v"]).output == "chaos toxic version 0.1.0\n")
        let flag = try self.run(["proxy", "-nope"])
        #expect(flag.code == 2)
        #expect(flag.errors.contains("Unknown option '-nope'"))
        #expect(try self.run(["proxy", "-h"]).code == 0)
        let time = try self.run(["proxy", "--answer-within", "soon"])
        #expect(time.code == 2)
        let (process, port) = try self.serve()
        defer { process.terminate() }
        #expect(try self.run(["toxic", "-h", "http://127.0.0.1:\(port)", "ls"]).code == 0)
    }

    @Test("people see tables, programs see tabs")
    func tables() throws {
        let (process, port) = try self.serve()
        defer { process.terminate() }
        let place = ["TOXIPROXY_URL": "127.0.0.1:\(port)", "NO_COLOR": "1"]
        for line in [
            "toxic create -l 127.0.0.1:0 -u localhost:1 db", "toxic toggle db",
            "toxic add -t latency -a latency=100 db", "toxic toxic add -u -t noop db",
        ] {
            let words = line.split(separator: " ").map(String.init)
            #expect(try self.run(words, environment: place).code == 0)
        }
        // script(1) gives the command a terminal.
        func seen(_ arguments: String) throws -> [String] {
            let command = "'\(Programs.chaos.path)' toxic \(arguments)"
            let result = try Programs.run(
                URL(fileURLWithPath: "/usr/bin/env"), ["script", "-qec", command, "/dev/null"],
                environment: place)
            return result.output.replacing("\r\n", with: "\n").components(separatedBy: "\n")
        }
        let list = try seen("list")
        #expect(
            list[0].split(separator: " ").joined(separator: " ")
                == "Name Listen Upstream Enabled Toxics")
        #expect(list[1].allSatisfy { $0 == "=" })
        #expect(list[2].hasPrefix("db    127.0.0.1:"))
        #expect(list[2].hasSuffix("  localhost:1  disabled  2"))
        #expect(list[4] == "Hint: see the toxics of a proxy with 'chaos toxic inspect NAME'")
        let inspected = try seen("inspect db")
        #expect(inspected[0].hasPrefix("Name: db\tListen: 127.0.0.1:"))
        #expect(inspected.contains("Upstream toxics:"))
        #expect(inspected.contains("latency_downstream  latency  1.00      latency=100 jitter=0"))
        #expect(
            try self.run(
                ["toxic", "toxic", "delete", "-n", "noop_upstream", "db"],
                environment: place
            ).output
                == "Removed toxic 'noop_upstream' on proxy 'db'\n")
    }

    @Test("what was kept is there after kill -9")
    func survivesKill() throws {
        let file = "/tmp/chaos-state-\(UUID().uuidString.prefix(8)).json"
        let config = file + ".yaml"
        defer {
            for path in [file, config] { try? FileManager.default.removeItem(atPath: path) }
        }
        try """
        - name: db
          listen: 127.0.0.1:0
          upstream: 127.0.0.1:1
          toxics:
            - { type: latency, attributes: { latency: 9 } }
        """.write(toFile: config, atomically: true, encoding: .utf8)
        let (first, firstPort) = try self.serve(["--state", file, "--config", config])
        let place = ["TOXIPROXY_URL": "127.0.0.1:\(firstPort)"]
        let listed = try self.run(["toxic", "list"], environment: place).output
        #expect(listed.hasSuffix("\t127.0.0.1:1\tenabled\t1\n"))
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let (second, secondPort) = try self.serve(["--state", file])
        let again = try self.run(
            ["toxic", "list"], environment: ["TOXIPROXY_URL": "127.0.0.1:\(secondPort)"])
        #expect(again.output == listed)
        second.terminate()
        second.waitUntilExit()
    }

    @Test("an address that is taken is told, and ends the command")
    func busy() throws {
        let (process, port) = try self.serve()
        let other = try self.run(["proxy", "--host", "127.0.0.1", "--port", port])
        #expect(other.code == 69)
        #expect(
            other.errors.hasPrefix("chaos proxy: cannot listen on 127.0.0.1:\(port): "),
            "\(other.errors)")
        process.terminate()
        process.waitUntilExit()
    }

    @Test("the version is one that clients understand, or the one that is asked for")
    func version() throws {
        #expect(try self.run(["proxy", "-version"]).output == "chaos proxy version 2.12.0\n")
        let (process, port) = try self.serve(["--version-string", "git"])
        let client = try self.run(["toxic", "--host", "127.0.0.1:\(port)", "list"])
        #expect(client.code == 0)
        process.terminate()
        process.waitUntilExit()
    }
}
