import ChaosCore
import Testing

@Suite("Addresses and blocks of them")
struct CIDRBlockTests {
    @Test(
        "an address is read, and written as RFC 5952 says",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"),
            ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("fd00:0077:0:0:0:0:0:0001", "fd00:77::1"), ("2001:DB8::A:0:0:1", "2001:db8::a:0:0:1"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
            ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8"),
            ("::ffff:127.0.0.1", "::ffff:7f00:1"),
        ])
    func addresses(text: String, expected: String) throws {
        #expect(try IPAddress(parsing: text).description == expected)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "1..2.3",
            "+1.2.3.4",
            "a.b.c.d", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
            "g::",
            "1:2:3:4:5:6:7::8", ":1:2:3:4:5:6:7", "1:", "::1%eth0", "1.2.3.4::", "::1.2.3", "+1::",
        ])
    func nonsense(text: String) { #expect(IPAddress(text) == nil) }

    @Test(
        "a block holds what begins as it does",
        arguments: [
            (
                "127.0.1.0/24", ["127.0.1.0", "127.0.1.1", "127.0.1.255"],
                ["127.0.0.255", "127.0.2.0", "::1"]
            ),
            (
                "0.0.0.0/0", ["0.0.0.0", "127.0.0.1", "255.255.255.255"],
                ["::", "::ffff:127.0.0.1"]
            ),
            ("10.77.0.3/32", ["10.77.0.3"], ["10.77.0.2", "10.77.0.4"]),
            ("10.77.0.2/31", ["10.77.0.2", "10.77.0.3"], ["10.77.0.1", "10.77.0.4"]),
            ("172.16.0.0/12", ["172.16.0.1", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]),
            ("128.0.0.0/1", ["128.0.0.0", "255.0.0.1"], ["127.255.255.255"]),
            ("::/0", ["::", "fd00::1"], ["0.0.0.0"]), ("::1/128", ["::1"], ["::", "::2"]),
            ("fd00:77::/64", ["fd00:77::", "fd00:77::ffff:1"], ["fd00:77:0:1::", "fd00:78::"]),
            ("fd00:77::8/125", ["fd00:77::8", "fd00:77::f"], ["fd00:77::7", "fd00:77::10"]),
            ("[fd00:77::/64]", ["fd00:77::1"], ["fd00:78::1"]),
        ])
    func contents(text: String, inside: [String], outside: [String]) throws {
        let block = try CIDRBlock(parsing: text)
        for text in inside { #expect(block.contains(try IPAddress(parsing: text)), "\(text)") }
        for text in outside { #expect(!block.contains(try IPAddress(parsing: text)), "\(text)") }
    }

    @Test(
        "what is none is told in a sentence, with what to write",
        arguments: [
            (
                "127.0.1.1/24",
                """
                a block begins with its first address, found '127.0.1.1/24'
                hint: write '127.0.1.0/24', or '127.0.1.1/32' for one address
                """
            ),
            (
                "127.0.0.0/33",
                """
                a block of IPv4 addresses shares 0 to 32 bits, found '127.0.0.0/33'
                hint: write '127.0.0.0/32' for one address
                """
            ),
            (
                "fd00::/129",
                """
                a block of IPv6 addresses shares 0 to 128 bits, found 'fd00::/129'
                hint: write 'fd00::/128' for one address
                """
            ),
            (
                "::1",
                """
                a block of addresses is written like '127.0.1.0/24' or 'fd00:77::/64', found '::1'
                hint: write '::1/128'
                """
            ),
            (
                "127.0.1/24",
                "a block of addresses is written like '127.0.1.0/24' or 'fd00:77::/64', found '127.0.1/24'"
            ),
            (
                "10.0.0.0/8/8",
                "a block of addresses is written like '127.0.1.0/24' or 'fd00:77::/64', found '10.0.0.0/8/8'"
            ),
            (
                "10.0.0.0/08",
                """
                a block of IPv4 addresses shares 0 to 32 bits, found '10.0.0.0/08'
                hint: write '10.0.0.0/32' for one address
                """
            ),
            (
                "10.0.0.0/",
                """
                a block of IPv4 addresses shares 0 to 32 bits, found '10.0.0.0/'
                hint: write '10.0.0.0/32' for one address
                """
            ),
        ])
    func mistakes(text: String, expected: String) {
        let error = #expect(throws: InputError.self) { _ = try CIDRBlock(parsing: text) }
        #expect(error?.description == expected)
    }

    // MARK: - Who is meant

    private static let nodes: [NodeName] = ["n1", "n2", "n3", "n4", "n5"]
    private static let book = AddressBook([
        "n1": [IPAddress("127.0.1.1")!], "n2": [IPAddress("127.0.1.2")!],
        "n3": [IPAddress("127.0.2.1")!], "n4": [IPAddress("127.0.2.2")!, IPAddress("fd00::4")!],
        "n5": [IPAddress("::1")!],
    ])

    @Test(
        "a partition cuts blocks from each other",
        arguments: [
            ("127.0.1.0/24 / 127.0.2.0/24", "n1 n2 / n3 n4"),
            ("127.0.1.0/24/127.0.2.0/24", "n1 n2 / n3 n4"),
            ("127.0.1.0/24,n5 / n3", "n1 n2 n5 / n3"), ("::/0 / rest", "n4 n5 / n1 n2 n3"),
            ("n1/n2", "n1 / n2"), ("::1/128 -> 127.0.0.0/8", "n5 -> n1 n2 n3 n4"),
            ("isolate 127.0.2.2/32", "isolate n4"), ("fd00::/8 / 127.0.1.0/24", "n4 / n1 n2"),
        ])
    func partitions(text: String, expected: String) throws {
        func cuts(_ partition: Partition) -> [DirectedPair] {
            var generator = Seed(1).generator
            return partition.cuts(among: Self.nodes, using: &generator)
        }
        let partition = try Partition(parsing: text)
        #expect(cuts(partition.resolved(in: Self.book)) == cuts(try Partition(parsing: expected)))
        #expect(!cuts(partition.resolved(in: Self.book)).isEmpty)
        // The text is what was written, and means the same again.
        let again = try Partition(parsing: partition.description)
        #expect(again == partition)
    }

    @Test(
        "a link joins blocks",
        arguments: [
            ("127.0.1.0/24->n3", "n1->n3:main", true), ("127.0.1.0/24->n3", "n3->n1:main", false),
            ("n1<->127.0.2.0/24:main", "n4->n1:main", true),
            ("n1->127.0.2.0/24:main", "n1->n4:peer", false),
            ("n1->[::/0]:main", "n1->n5:main", true),
            ("::/0->n1", "n5->n1:main", true), ("0.0.0.0/0->n1", "client->n1:main", false),
        ])
    func links(text: String, link: String, expected: Bool) throws {
        let one = try LinkPattern(parsing: link)
        let (source, target) = (one.sources.exactNames[0], one.targets.exactNames[0])
        let pattern = try LinkPattern(parsing: text)
        let meant = Link(source, target, try #require(one.port))
        #expect(pattern.resolved(in: Self.book).matches(meant) == expected)
        #expect(!pattern.matches(meant), "nobody is in a block before addresses are known")
        #expect(pattern.description == text)
    }

    /// As precise as a glob: who names a node means it more.
    @Test func aBlockIsNoExactName() throws {
        #expect(try LinkPattern(parsing: "127.0.1.0/24->n3").precision == 0)
        #expect(try LinkPattern(parsing: "n1->n3").precision == 2)
    }

    @Test(
        "what cannot be meant in a link is told",
        arguments: [
            (
                "n1->fd00:77::/64",
                "a block of IPv6 addresses at the end of a link stands in brackets, found 'n1->fd00:77::/64'"
            ),
            ("n1->10.0.0.1/8", "a block begins with its first address, found '10.0.0.1/8'"),
            (
                "n1->n2/3",
                "a link is written like 'n1->n2', 'n1<->n2' or '*->n3:peer', found 'n1->n2/3'"
            ),
        ])
    func mistakesInLinks(text: String, expected: String) {
        let error = #expect(throws: InputError.self) { _ = try LinkPattern(parsing: text) }
        #expect(error?.sentence == expected)
    }
}
