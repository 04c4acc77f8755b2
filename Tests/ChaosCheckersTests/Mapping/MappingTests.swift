import ChaosCheckers
import ChaosCore
import Testing

@Suite("Maps, lifetimes and locks")
struct MappingTests {
    // MARK: - Write-once maps

    private static let links = """
        0 0 run put ["x","u1"] @n1
        1 1 call put ["y","u2"] @n2
        2 1 fail put ["y","u2"] @n2
        3 0 call get ["x",null] @n2
        4 0 ok get ["x",null] @n2
        5 0 call get ["x",null] @n1 final
        6 0 ok get ["x","u1"] @n1 final
        7 0 call get ["y",null] @n1 final
        8 0 ok get null @n1 final
        """

    @Test func aWriteOnceMapResolves() throws {
        let valid = try finding("write-once", [:], Self.links)
        #expect(valid.verdict == .valid, "\(valid.evidence)")
        #expect(
            try finding("write-once", ["linearizable": true], Self.links).anomalies == ["stale"])
        #expect(
            try finding("write-once", ["within": "2ms"], Self.links).anomalies == ["stale"])
        #expect(try finding("write-once", ["within": "4ms"], Self.links).verdict == .valid)
        let cases: [(line: String, name: String)] = [
            ("9 3 call get [\"x\",null] final\n9 3 ok get [\"x\",\"u9\"] final", "two-values"),
            ("9 3 call get [\"x\",null] final\n9 3 ok get [\"x\",\"u9\"] final", "invented"),
            ("9 3 call get [\"y\",null]\n9 3 ok get [\"y\",\"u2\"]", "failed-write-visible"),
            ("9 3 call get [\"x\",null] final\n9 3 ok get null final", "lost"),
            ("9 3 run put [\"x\",\"u3\"]", "two-values"),
        ]
        for (line, name) in cases {
            let finding = try finding("write-once", [:], Self.links + "\n" + line)
            #expect(finding.verdict == .invalid)
            #expect(finding.anomalies.contains(name), "\(finding.anomalies) for \(name)")
        }
        #expect(try finding("write-once", [:], "0 0 run put [\"x\",\"u1\"]").verdict == .unknown)
    }

    /// Who leaves the key to the map learns it from the answer.
    @Test func aWriteMayLearnItsKey() throws {
        let learned = """
            0 0 call put [null,"u1"]
            1 0 ok put ["x","u1"]
            2 1 call put [null,"u2"]
            3 1 info put [null,"u2"]
            4 2 run get ["x","u1"] final
            """
        #expect(try finding("write-once", [:], learned).verdict == .valid)
        // It may have got any key.
        let other = "\n5 3 call get [\"y\",null]\n6 3 ok get [\"y\",\"u2\"]"
        #expect(try finding("write-once", [:], learned + other).verdict == .valid)
        let taken = "\n5 3 call put [null,\"u3\"]\n6 3 ok put [\"x\",\"u3\"]"
        #expect(
            try finding("write-once", [:], learned + taken).anomalies.contains("two-values"))
        let lost = "\n5 3 call get [\"x\",null] final\n6 3 ok get [\"x\",null] final"
        #expect(try finding("write-once", [:], learned + lost).anomalies == ["lost"])
    }

    // MARK: - Lifetimes

    @Test func entriesLiveAsLongAsTheyShould() throws {
        let put = "0 0 call put [\"k\",1,1000]\n10 0 ok put [\"k\",1,1000]\n0 9 run put [\"e\",5]\n"
        func read(_ from: Int, _ value: String, key: String = "k") throws -> Finding {
            try finding(
                "ttl", [:],
                put
                    + "\(from) 1 call get [\"\(key)\",null]\n\(from + 1) 1 ok get [\"\(key)\",\(value)]"
            )
        }
        #expect(try read(500, "1").verdict == .valid)
        #expect(try read(1_055, "1").verdict == .valid)
        #expect(try read(960, "null").verdict == .valid)
        #expect(try read(1_500, "null").verdict == .valid)
        #expect(try read(1_100, "1").anomalies == ["late-hit"])
        #expect(try read(940, "null").anomalies == ["early-miss"])
        #expect(try read(9_000, "null", key: "e").anomalies == ["early-miss"])
        #expect(try read(500, "7").anomalies == ["invented"])
        #expect(
            try finding("ttl", ["evicts": true], put + "500 1 run get [\"k\",null]").verdict
                == .valid)
        let replaced =
            put + "20 0 run put [\"k\",2,1000]\n30 1 call get [\"k\",null]\n31 1 ok get [\"k\",1]"
        #expect(try finding("ttl", [:], replaced).anomalies == ["stale-hit"])
        let deleted = put + "20 0 run delete \"k\"\n30 1 run get [\"k\",null]"
        #expect(try finding("ttl", [:], deleted).verdict == .valid)
    }

    // MARK: - Fenced locks

    @Test func locksHaveOneHolderAndGrowingTokens() throws {
        let good = """
            0 0 call acquire
            1 0 ok acquire 1
            2 0 run write {"token":1}
            3 0 run release
            4 1 call acquire
            5 1 ok acquire 2
            6 1 run write {"token":2}
            """
        #expect(try finding("fenced-lock", [:], good).verdict == .valid)
        let two = good + "\n7 2 call acquire\n8 2 ok acquire 3\n9 1 run release"
        #expect(try finding("fenced-lock", [:], two).anomalies == ["two-holders"])
        // A lease that has run out makes room.
        let late = good + "\n9000 2 call acquire\n9001 2 ok acquire 3\n9002 1 run release"
        #expect(try finding("fenced-lock", ["lease": "5s"], late).verdict == .valid)
        let same = good + "\n7 1 run release\n7 2 call acquire\n8 2 ok acquire 2"
        #expect(try finding("fenced-lock", [:], same).anomalies == ["token-not-grown"])
        let stale = good + "\n7 0 run write {\"token\":1}"
        #expect(try finding("fenced-lock", [:], stale).anomalies == ["stale-write"])
        let refused = good + "\n7 0 call write {\"token\":1}\n8 0 fail write {\"token\":1}"
        #expect(try finding("fenced-lock", [:], refused).verdict == .valid)
        #expect(try finding("fenced-lock", [:], "0 0 call acquire").verdict == .unknown)
        // An available registry may have two holders, but its resource knows the newer one.
        let available: JSONObject = ["exclusive": false]
        #expect(try finding("fenced-lock", available, two).verdict == .valid)
        #expect(try finding("fenced-lock", available, stale).anomalies == ["stale-write"])
        #expect(
            try finding("fenced-lock", available, "0 0 call acquire\n1 0 ok acquire 1").verdict
                == .unknown)
    }
}
