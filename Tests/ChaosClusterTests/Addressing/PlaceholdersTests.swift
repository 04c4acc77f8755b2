import ChaosCluster
import ChaosCore
import ChaosScenario
import Testing

@Suite("Placeholders")
struct PlaceholdersTests {
    private static let nodes: [(NodeName, [PortSpec])] = [
        ("n1", [PortSpec(name: "client"), PortSpec(name: "peer")]),
        ("n2", [PortSpec(name: "client"), PortSpec(name: "peer")]),
        (
            "db.eu",
            [
                PortSpec(name: "client"), PortSpec(name: "peer"),
                PortSpec(name: "admin", transport: .unix),
            ]
        ),
    ]

    private static func placeholders(
        _ viewer: NodeName, style: AddressPlan.Style = .loopback(network: 77)
    ) throws -> Placeholders {
        Placeholders(
            viewer: viewer, plan: try plan(self.nodes, style: style), directory: "/r/nodes/n1",
            here: "/s", seed: Seed(42))
    }

    @Test(arguments: [
        ("{node} {index} {dir} {here} {seed}", "n1 1 /r/nodes/n1 /s 42"),
        ("{host} {port} {port.peer}", "127.77.1.1 7001 7002"),
        ("{listen}", "127.77.1.1:7001"),
        ("{listen.peer}", "127.77.1.1:7002"),
        ("{advertise} {advertise.peer}", "127.77.0.1:7001 127.77.0.1:7002"),
        ("{advertise:%h} {advertise.peer:%p}", "127.77.0.1 7002"),
        ("{member.n2} {member.db.eu.peer:%h|%p}", "127.77.0.2:7001 127.77.0.3|7002"),
        ("{peers}", "127.77.1.2:7001,127.77.1.3:7001"),
        ("{peers.peer}", "127.77.1.2:7002,127.77.1.3:7002"),
        ("{peers.admin}", "/run/x/n1-to-db.eu.admin.sock"),
        ("{peer.n2} {peer.n2.peer}", "127.77.1.2:7001 127.77.1.2:7002"),
        ("{peer.db.eu} {peer.db.eu.peer}", "127.77.1.3:7001 127.77.1.3:7002"),
        ("{peer.n2:%h %p} {peer.db.eu.peer:%n=%h}", "127.77.1.2 7001 db.eu=127.77.1.3"),
        ("{peer.n1.client}", "127.77.1.1:7001"),
        ("{peers:%n=%a}", "n2=127.77.1.2:7001,db.eu=127.77.1.3:7001"),
        ("{peers.peer:%h|%p|100%%}", "127.77.1.2|7002|100%,127.77.1.3|7002|100%"),
        (
            "--initial-cluster {members.peer:%n=http://%a}",
            "--initial-cluster n1=http://127.77.0.1:7002,n2=http://127.77.0.2:7002,"
                + "db.eu=http://127.77.0.3:7002"
        ),
        ("{peers:}", ","),
        ("a{node}b{index}c", "an1b1c"),
        ("", ""),
        // Braces that are not placeholders.
        ("{{node}}", "{node}"),
        ("{{{node}}}", "{n1}"),
        (#"{"a":1}"#, #"{"a":1}"#),
        (#"{"a":{"b":{"c":[]}}}"#, #"{"a":{"b":{"c":[]}}}"#),
        (#"{"id":"{node}","at":{"p":{port}}}"#, #"{"id":"n1","at":{"p":7001}}"#),
        (#"{{"a":{"b":1}}}"#, #"{"a":{"b":1}}"#),
        ("{} { } {1} {NODE} }", "{} { } {1} {NODE} }"),
        ("${HOME} ${node}", "${HOME} ${node}"),
        ("awk '{print $1}'", "awk '{print $1}'"),
        ("{a,b}", "{a,b}"),
        ("{node", "{node"),
        ("ü{node}✓", "ün1✓"),
    ])
    func expands(text: String, expected: String) throws {
        #expect(try Self.placeholders("n1").expand(text) == expected)
    }

    @Test func eachNodeSeesTheOthersFromItsOwnPlace() throws {
        let second = try Self.placeholders("n2")
        #expect(try second.expand("{index} {listen}") == "2 127.77.2.2:7001")
        #expect(try second.expand("{peers.peer}") == "127.77.2.1:7002,127.77.2.3:7002")
        let client = try Self.placeholders(.client)
        #expect(
            try client.expand("{node} {index} {peers}")
                == "client 0 127.77.0.1:7001,127.77.0.2:7001,127.77.0.3:7001")
    }

    @Test func ipv6AddressesStandInBrackets() throws {
        let six = try Self.placeholders("n1", style: .ports(host: "::1"))
        #expect(try six.expand("{host} {listen}") == "::1 [::1]:7001")
        #expect(try six.expand("{peers:%h}") == "::1,::1")
    }

    @Test(arguments: [
        (
            "{pers}",
            """
            a placeholder must be known, found '{pers}'
            hint: did you mean 'peers'? A brace by itself is written '{{'
            """
        ),
        (
            "{nonsense}",
            """
            a placeholder must be known, found '{nonsense}'
            hint: known are node, index, host, listen, port, advertise, peers, peer, members, \
            member, dir, here, seed. A brace by itself is written '{{'
            """
        ),
        (
            "{listen.cleint}",
            "'n1' must have the port, found '{listen.cleint}'\nhint: did you mean 'client'?"
        ),
        ("{peers.pear}", "a port must be known, found '{peers.pear}'\nhint: did you mean 'peer'?"),
        (
            "{peer.n3.client}",
            "a node must be known, found '{peer.n3.client}'\nhint: known are n1, n2, db.eu"
        ),
        (
            "{peer.n2.clients}",
            "'n2' must have the port, found '{peer.n2.clients}'\nhint: did you mean 'client'?"
        ),
        ("{node.x}", "'node' has no parts, found '{node.x}'"),
        ("{host.x}", "'host' has no parts, found '{host.x}'"),
        (
            "{listen:%a}",
            "only 'advertise', 'peer', 'peers', 'members' and 'member' take a format, found '{listen:%a}'"
        ),
        ("{peers:%x}", "a format knows %n, %a, %h, %p and %%, found '{peers:%x}'"),
    ])
    func namesWhatIsWrong(text: String, sentence: String) throws {
        let placeholders = try Self.placeholders("n1")
        let error = #expect(throws: InputError.self) { _ = try placeholders.expand(text) }
        #expect(error?.description == sentence)
    }

    @Test func aUnixPortHasNoNumberAndAClientNoAddress() throws {
        let database = try Self.placeholders("db.eu")
        #expect(try database.expand("{listen.admin}") == "/run/x/db.eu.admin.sock")
        let error = #expect(throws: InputError.self) { _ = try database.expand("{port.admin}") }
        #expect(
            error?.description == """
                a Unix socket has no number, found '{port.admin}'
                hint: write {listen.admin} for its path
                """)
        let client = try Self.placeholders(.client)
        let second = #expect(throws: InputError.self) { _ = try client.expand("{listen}") }
        #expect(
            second?.description
                == "only a node with ports listens, and 'client' has none, found '{listen}'")
    }

    @Test func variablesTellTheSame() throws {
        let environment = try Self.placeholders("n1").environment
        #expect(
            environment.map { "\($0.key)=\($0.value)" } == [
                "CHAOS_NODE=n1", "CHAOS_INDEX=1", "CHAOS_DIR=/r/nodes/n1", "CHAOS_HERE=/s",
                "CHAOS_SEED=42",
                "CHAOS_HOST=127.77.1.1", "CHAOS_LISTEN=127.77.1.1:7001",
                "CHAOS_ADVERTISE=127.77.0.1:7001", "CHAOS_LISTEN_CLIENT=127.77.1.1:7001",
                "CHAOS_ADVERTISE_CLIENT=127.77.0.1:7001", "CHAOS_PORT_CLIENT=7001",
                "CHAOS_LISTEN_PEER=127.77.1.1:7002", "CHAOS_ADVERTISE_PEER=127.77.0.1:7002",
                "CHAOS_PORT_PEER=7002", "CHAOS_PEERS=127.77.1.2:7001,127.77.1.3:7001",
                "CHAOS_PEERS_CLIENT=127.77.1.2:7001,127.77.1.3:7001",
                "CHAOS_PEERS_PEER=127.77.1.2:7002,127.77.1.3:7002",
                "CHAOS_PEERS_ADMIN=/run/x/n1-to-db.eu.admin.sock",
                "CHAOS_PEER_N2_CLIENT=127.77.1.2:7001", "CHAOS_PEER_N2_PEER=127.77.1.2:7002",
                "CHAOS_PEER_DB_EU_CLIENT=127.77.1.3:7001",
                "CHAOS_PEER_DB_EU_PEER=127.77.1.3:7002",
                "CHAOS_PEER_DB_EU_ADMIN=/run/x/n1-to-db.eu.admin.sock",
            ])
    }

    @Test(arguments: [
        ("./kv --id {node}", ["./kv", "--id", "n1"]),
        ("  a\t b\n c ", ["a", "b", "c"]),
        (#"a 'b c' "d e" f\ g"#, ["a", "b c", "d e", "f g"]),
        (#"a "" '' b"#, ["a", "", "", "b"]),
        (#"x"y"'z'w"#, ["xyzw"]),
        (#"'single \ $x' "double \" \\ \n""#, [#"single \ $x"#, #"double " \ \n"#]),
        ("a \\\n b", ["a", "b"]),
        (
            #"sh -c 'echo {peers} | wc' '|' \; x>y"#,
            [
                "sh", "-c", "echo 127.77.1.2:7001,127.77.1.3:7001 | wc", "|", ";", "x>y",
            ]
        ),
        (#"kv '{"id":"{node}"}'"#, ["kv", #"{"id":"n1"}"#]),
        ("kv --c={peers:%n", ["kv", "--c={peers:%n"]),
    ])
    func splitsCommandsLikeAShell(text: String, words: [String]) throws {
        #expect(try Self.placeholders("n1").words(of: .text(text)) == words)
    }

    @Test func wordsThatAreGivenStayWords() throws {
        let words = try Self.placeholders("n1").words(of: .words(["a b", "{node} '", "|", ""]))
        #expect(words == ["a b", "n1 '", "|", ""])
    }

    @Test(arguments: [
        ("echo 'a", "a command must close its quotes, found 'echo 'a'"),
        (#"echo "a\""#, #"a command must close its quotes, found 'echo "a\"'"#),
        ("echo a\\", "a backslash must have a character behind it, found 'echo a\\'"),
        ("  ", "a command must name a program, found '  '"),
        (
            "cat x | wc",
            "a command runs without a shell, found '|'\nhint: write  sh -c '…'  or put quotes around it"
        ),
    ])
    func refusesWhatOnlyAShellUnderstands(text: String, sentence: String) throws {
        let placeholders = try Self.placeholders("n1")
        let error = #expect(throws: InputError.self) {
            _ = try placeholders.words(of: .text(text))
        }
        #expect(error?.description == sentence)
    }

    @Test(arguments: [
        ("kv --me {advertise.peer}", true), ("kv --all {members:%n=%a}", true),
        ("kv {member.n2}", true), ("sh -c 'kv $CHAOS_ADVERTISE_PEER'", true),
        ("kv {listen} {peers.peer}", false), (#"kv {"members": 1} {{advertise"#, false),
        ("kv members advertise", false),
    ])
    func tellWhetherAnAddressForEverybodyIsUsed(text: String, isUsed: Bool) {
        var node = NodeSpec(name: "n1", command: .text(text))
        #expect(node.usesAdvertisedAddress == isUsed)
        node.command = .words(["kv", text])
        #expect(node.usesAdvertisedAddress == isUsed)
        node.command = .text("kv")
        #expect(!node.usesAdvertisedAddress)
        node.environment = [EnvironmentVariable(name: "A", value: text)]
        #expect(node.usesAdvertisedAddress == isUsed)
    }
}
