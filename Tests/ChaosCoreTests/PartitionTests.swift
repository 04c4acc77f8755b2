import ChaosCore
import Testing

private let five: [NodeName] = ["n1", "n2", "n3", "n4", "n5"]

/// The cut pairs as a picture: a row for each sender, `x` where what it sends is cut.
private func picture(_ text: String, _ nodes: [NodeName] = five, seed: UInt64 = 1) throws -> String
{
    var generator = Seed(seed).generator
    let cuts = try Partition(parsing: text).cuts(among: nodes, using: &generator)
    #expect(cuts == Set(cuts).sorted())
    let all =
        nodes + (cuts.contains { $0.source == .client || $0.target == .client } ? [.client] : [])
    return all.map { source in
        all.map { target in
            source == target ? "\\" : cuts.contains(DirectedPair(source, target)) ? "x" : "."
        }.joined()
    }.joined(separator: " ")
}

@Suite("A partition")
struct PartitionTests {
    @Test(
        "cuts what it says",
        arguments: [
            ("n1 / n2 n3 n4 n5", #"\xxxx x\... x.\.. x..\. x...\"#),
            ("n1 n2 / n3, n4 n5", #"\.xxx .\xxx xx\.. xx.\. xx..\"#),
            ("n1 / n2", #"\x... x\... ..\.. ...\. ....\"#),
            ("n1 / rest", #"\xxxx x\... x.\.. x..\. x...\"#),
            ("n1 n2 n3 / n3 n4 n5", #"\..xx .\.xx ..\.. xx.\. xx..\"#),
            ("n1 / n2 / n3 n4 n5", #"\xxxx x\xxx xx\.. xx.\. xx..\"#),
            ("n1 -> n2", #"\x... .\... ..\.. ...\. ....\"#),
            ("n1 n2 -> n2..n3", #"\xx.. .\x.. ..\.. ...\. ....\"#),
            ("n1 -> rest", #"\xxxx .\... ..\.. ...\. ....\"#),
            ("* -> n1", #"\.... x\... x.\.. x..\. x...\"#),
            ("isolate n2", #"\x... x\xxx .x\.. .x.\. .x..\"#),
            ("isolate n1, n2", #"\xxxx x\xxx xx\.. xx.\. xx..\"#),
            ("halves", #"\.xxx .\xxx xx\.. xx.\. xx..\"#),
            ("client / n1", #"\....x .\.... ..\... ...\.. ....\. x....\"#),
            ("n1 / n1", #"\.... .\... ..\.. ...\. ....\"#),
            ("n9 / n1", #"\.... .\... ..\.. ...\. ....\"#),
        ])
    func cuts(text: String, expected: String) throws { #expect(try picture(text) == expected) }

    @Test(
        "is pinned for a seed",
        arguments: [
            ("random-halves", #"\xxx. x\..x x.\.x x..\x .xxx\"#),
            ("majority", #"\xxx. x\..x x.\.x x..\x .xxx\"#),
            ("bridge", #"\.xx. .\... x.\.x x..\x ..xx\"#),
            ("majorities-ring", #"\.xx. .\x.x xx\.. x..\x .x.x\"#),
            ("isolate", #"\.x.. .\x.. xx\xx ..x\. ..x.\"#),
        ])
    func golden(text: String, expected: String) throws {
        #expect(try picture(text, seed: 42) == expected)
    }

    @Test("keeps the promises of its shape", arguments: 1...9)
    func shapes(count: Int) {
        let nodes = (1...count).map { NodeName("n\($0)") }
        for seed in 0..<40 {
            var generator = Seed(UInt64(seed)).generator
            func reach(_ partition: Partition) -> [Int] {
                let cuts = Set(partition.cuts(among: nodes, using: &generator))
                #expect(cuts.allSatisfy { $0.source != $0.target })
                // How many nodes each one hears, itself too.
                return nodes.map { target in
                    nodes.filter { !cuts.contains(DirectedPair($0, target)) }.count
                }.sorted()
            }
            let small = count / 2
            let halves =
                (Array(repeating: small, count: small)
                + Array(repeating: count - small, count: count - small)).sorted()
            #expect(reach(.halves) == halves)
            #expect(reach(.randomHalves) == halves)
            #expect(
                reach(.isolateRandom) == [1] + Array(repeating: max(1, count - 1), count: count - 1)
            )
            #expect(reach(.majoritiesRing) == Array(repeating: count / 2 + 1, count: count))
            let minority = (count - 1) / 2
            #expect(
                reach(.majority)
                    == (Array(repeating: minority, count: minority)
                    + Array(repeating: count - minority, count: count - minority)).sorted())
            // One node hears all, and no two halves hear each other.
            let bridge = reach(.bridge)
            #expect(bridge.last == count && (count < 3 || bridge.filter { $0 == count }.count == 1))
        }
    }

    @Test(
        "has a text that reads as the same",
        arguments: [
            "n1 / n2 n3", "n1 n2 -> n3", "isolate n2", "halves", "random-halves", "majority",
            "majorities-ring", "bridge", "isolate", "n1..n2 / eu-* / rest",
        ])
    func text(text: String) throws {
        #expect(try Partition(parsing: text).description == text)
        #expect(try Partition(parsing: "  \(text)\t") == Partition(parsing: text))
    }

    @Test func takesCommasAndAny() throws {
        #expect(try Partition(parsing: "n1/n2,n3") == Partition(parsing: "n1 / n2 n3"))
        #expect(try Partition(parsing: "isolate any") == .isolateRandom)
        #expect(
            try Partition(parsing: "n1 / n2..n3 rest").namedNodes.map(\.text) == ["n1", "n2", "n3"])
    }

    @Test(
        "says what is wrong",
        arguments: [
            (
                "n1",
                "a partition has at least two groups, as in 'n1 / n2 n3', found 'n1'\n"
                    + "hint: write 'isolate n1' to cut nodes off"
            ),
            (
                "halfs",
                "a partition has at least two groups, as in 'n1 / n2 n3', found 'halfs'\n"
                    + "hint: did you mean 'halves'?"
            ),
            (
                "n1 <-> n2",
                "a partition both ways is written with '/', found 'n1 <-> n2'\n"
                    + "hint: write 'n1 / n2'"
            ),
            ("n1 /", "a group of a partition has at least one node, found ''"),
            ("", "a group of a partition has at least one node, found ''"),
            ("-> n1", "a group of a partition has at least one node, found ''"),
            ("n1 / n2!", "nodes are named like 'n1', 'n1..n3', 'eu-*' or 'n1,n2', found 'n2!'"),
        ])
    func mistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try Partition(parsing: text) } == expected)
    }
}
