import ChaosCore
import ChaosScenario
import Testing

private let addressMistakes = [
    MistakeCase(
        "nodes:\n  n1: { command: x, address: 10.0.0.1 }\n  n2: { command: x, address: 127.80.0.1 }\n"
            + "  n3: { command: x, address: 127.0.1.0/24 }\n  n4: { command: x, address: '::1' }\n"
            + "  n5: { protocol: maelstrom, command: x, address: 127.0.1.4 }",
        "a.yaml:2:3: behind a proxy a node's address is one of 127.0.0.0/8, or ::1, found '10.0.0.1'",
        "hint: for example '127.0.1.1'",
        "a.yaml:3:3: 127.77.0.0 to 127.126.255.255 belong to chaos's own proxies, found '127.80.0.1'",
        "hint: for example '127.0.1.2'",
        "a.yaml:4:30: an address is like '127.0.1.1' or 'fd00:77::1', found '127.0.1.0/24'",
        "hint: an address stands alone, without '/'",
        "a.yaml:6:3: a node that speaks on standard input and output has no address, found '127.0.1.4'"
    ),
    MistakeCase(
        "backend: lab\nnodes: { n1: { command: x }, n2: { command: x, address: 127.0.0.1 } }",
        "a.yaml:2:30: a lab gives its nodes their addresses, found '127.0.0.1'",
        "hint: leave 'address' out: n2 is 10.77.0.2 and fd00:77::2"),
    MistakeCase(
        """
        nodes:
          n1: { command: x, address: 127.0.1.1 }
          n2: { command: x, address: "::1" }
        network: { links: { "127.0.2.0/24->n2": { delay: 1ms } } }
        schedule:
          - { at: 1s, partition: 127.0.1.0/24 / 127.0.3.0/24 }
          - { at: 1s, isolate: 127.0.1.1/8 }
          - { at: 1s, kill: 127.0.4.0/24 }
        """,
        "a.yaml:4:21: a block of addresses has a node in it, found '127.0.2.0/24'",
        "hint: nodes are at n1 127.0.1.1, n2 ::1",
        "a.yaml:6:26: a block of addresses has a node in it, found '127.0.3.0/24'",
        "hint: nodes are at n1 127.0.1.1, n2 ::1",
        "a.yaml:7:24: a block begins with its first address, found '127.0.1.1/8'",
        "hint: write '127.0.0.0/8', or '127.0.1.1/32' for one address",
        "a.yaml:8:21: a block of addresses has a node in it, found '127.0.4.0/24'",
        "hint: nodes are at n1 127.0.1.1, n2 ::1"),
]

@Suite("Mistakes in addresses")
struct AddressMistakeTests {
    @Test("come all at once, in order, with hints", arguments: addressMistakes)
    func shape(example: MistakeCase) { #expect(mistakes(example.text) == example.lines) }
}
