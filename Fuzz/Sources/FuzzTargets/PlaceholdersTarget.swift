import ChaosCluster
import ChaosCore
import ChaosScenario

extension FuzzTarget {
    /// Commands with placeholders.
    static let placeholders = FuzzTarget(
        "placeholders", "words and placeholders of commands",
        seeds: [
            "./kv --id {node} --listen {listen.peer} --peers {peers:%n=%a} '{{x}}' \"a b\"",
            "{peer.n2.peer:%h %p %%} {members.peer:http://%a} {index}{dir}{seed}{host}{port}",
            #"{"id":"{node}","at":{"p":{port}}}"#, "${HOME} {advertise} {peer.db.eu} \\{node}", "{",
        ]
    ) { bytes in
        guard let text = text(bytes) else { return }
        for viewer in [NodeName("n1"), "db.eu", .client] {
            let placeholders = Placeholders(
                viewer: viewer, plan: try plan.get(), directory: "/d", here: "/h", seed: Seed(42))
            do {
                let expanded = try placeholders.expand(text)
                if !text.contains(where: { "{}".contains($0) }) {
                    try requireSame(expanded, text, "a text without braces, expanded")
                }
                let words = try placeholders.words(of: .text(text))
                let again = try placeholders.words(of: .words([text]))
                try requireSame(again, [expanded], "a word, expanded as one of a command")
                if text.allSatisfy({ $0.isASCII && ($0.isLetter || $0 == " ") }) {
                    let plain = text.split(separator: " ").map(String.init)
                    try requireSame(words, plain, "the words of '\(text)'")
                }
            } catch let error as InputError {
                try require(!error.rule.isEmpty, "an error has no rule")
            }
        }
    }

    private struct CountingPorts: PortAllocator {
        private var last: UInt16 = 7000

        mutating func next(
            on host: String, _ transport: PortSpec.Transport, avoiding taken: Set<UInt16>
        ) throws(InputError) -> UInt16 {
            repeat { self.last += 1 } while taken.contains(self.last)
            return self.last
        }
    }

    private static let plan = Result {
        var ports = CountingPorts()
        let both = [PortSpec(name: "client"), PortSpec(name: "peer")]
        return try AddressPlan(
            nodes: [
                (name: "n1", ports: both), (name: "n2", ports: both),
                (name: "db.eu", ports: both + [PortSpec(name: "admin", transport: .unix)]),
            ],
            style: .loopback(network: 77), socketDirectory: "/s", allocator: &ports)
    }
}
