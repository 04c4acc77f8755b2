import ChaosCore
import Testing

@Suite("Names")
struct NameTests {
    @Test("that files and hosts allow", arguments: ["n1", "eu-west.2", "A_b", "0"])
    func good(text: String) throws { #expect(try NodeName(parsing: text).text == text) }

    @Test(
        "that would hurt",
        arguments: [
            "", "a b", "../x", "a/b", "a..b", ".a", "-a", "é", "a\n",
            String(repeating: "a", count: 64),
        ])
    func bad(text: String) {
        let expected =
            "a node's name is 1 to 63 letters, digits, '_', '-' or '.', and no '..', found '\(text)'"
        #expect(sentence { () throws(InputError) in try NodeName(parsing: text) } == expected)
    }

    @Test func sortAsPeopleCount() {
        let names: [NodeName] = ["n10", "n2", "n1", "m3", "n", "n01", "x99999999999999999999"]
        #expect(
            names.sorted().map(\.text) == [
                "m3", "n", "n01", "n1", "n2", "n10", "x99999999999999999999",
            ])
    }

    @Test(
        "ranges",
        arguments: [
            ("n1..n3", "n1 n2 n3"), ("n9..n11", "n9 n10 n11"), ("a..a1..a1", ""),
            ("n01..n03", "n01 n02 n03"),
            ("eu-1..eu-2", "eu-1 eu-2"), ("n3..n3", "n3"), ("1..2", "1 2"),
            ("n08..n10", "n08 n09 n10"),
        ])
    func ranges(text: String, names: String) {
        let read = try? NodeRange.expand(text)
        #expect((read ?? []).map(\.text).joined(separator: " ") == names)
    }

    @Test(
        "ranges that are none",
        arguments: [
            "n3..n1", "n1..m3", "n1..n300", "n..n3", "n1..", "..n3", "n1..n01",
            "n1..n99999999999999999999",
        ])
    func badRanges(text: String) {
        #expect(
            sentence { () throws(InputError) in try NodeRange.expand(text) }
                == "a range of nodes is written like 'n1..n3', found '\(text)'")
    }
}

@Suite("Patterns of nodes and links")
struct PatternTests {
    @Test(
        "globs",
        arguments: [
            ("*", "anything", true), ("*", "", true), ("n?", "n1", true), ("n?", "n10", false),
            ("eu-*", "eu-1", true), ("eu-*", "us-1", false), ("*-1", "eu-1", true),
            ("a*b*c", "a12b34c", true),
            ("a*b*c", "a12c34b", false), ("**", "x", true), ("?*", "", false), ("", "", true),
            ("", "a", false),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false), ("n[1]", "n1", false),
        ])
    func globs(pattern: String, text: String, isMatch: Bool) {
        #expect(Glob.matches(pattern, text) == isMatch)
    }

    @Test(
        "select nodes",
        arguments: [
            ("*", "n1 n2 n3 eu-1"), ("n1", "n1"), ("n1..n2", "n1 n2"), ("n*", "n1 n2 n3"),
            ("n1,eu-*", "n1 eu-1"), ("n1, n3", "n1 n3"), ("client", "client"),
            ("*,client", "n1 n2 n3 eu-1 client"),
            ("c*", ""), ("none", ""),
        ])
    func nodes(text: String, selected: String) throws {
        let pattern = try NodePattern(parsing: text)
        let nodes: [NodeName] = ["n1", "n2", "n3", "eu-1", "client"]
        #expect(nodes.filter(pattern.matches).map(\.text).joined(separator: " ") == selected)
        #expect(pattern.text == text)
    }

    @Test func nodesSayWhatIsWrong() {
        for text in ["", "n1,", "a b", "n1/n2", "*-é"] {
            #expect(
                sentence { () throws(InputError) in try NodePattern(parsing: text) }
                    == "nodes are named like 'n1', 'n1..n3', 'eu-*' or 'n1,n2', found '\(text)'")
        }
    }

    @Test(
        "select links",
        arguments: [
            ("n1->n2", "n1->n2:peer n1->n2:client"), ("n1 -> n2:peer", "n1->n2:peer"),
            ("n1<->n2:peer", "n1->n2:peer n2->n1:peer"), ("*->n2:peer", "n1->n2:peer"),
            ("*->*:client", "n1->n2:client n2->n1:client"),
            ("client->*", "client->n1:peer client->n1:client"),
            ("client<->n1:peer", "n1->client:peer client->n1:peer"), ("n3->n1", ""),
        ])
    func links(text: String, selected: String) throws {
        let pattern = try LinkPattern(parsing: text)
        let pairs: [(NodeName, NodeName)] = [
            ("n1", "n2"), ("n2", "n1"), ("n1", "client"), ("client", "n1"),
        ]
        let links = pairs.flatMap { source, target in
            [Link(source, target, "peer"), Link(source, target, "client")]
        }
        #expect(links.filter(pattern.matches).map(\.description).joined(separator: " ") == selected)
        #expect(try LinkPattern(parsing: pattern.description) == pattern)
    }

    @Test(
        "of links say what is wrong",
        arguments: [
            "n1", "n1>n2", "n1->", "->n2", "n1->n2->n3", "n1-->n2!", "",
        ])
    func linkMistakes(text: String) {
        #expect(
            sentence { () throws(InputError) in try LinkPattern(parsing: text) }
                == "a link is written like 'n1->n2', 'n1<->n2' or '*->n3:peer', found '\(text)'")
    }

    @Test func knowHowPreciseTheyAre() throws {
        let texts = ["*->*", "*->n1:peer", "n1->n2", "n1->n2:peer"]
        #expect(try texts.map { try LinkPattern(parsing: $0).precision } == [0, 1, 2, 3])
    }
}

@Suite("A suggestion")
struct SuggestionTests {
    @Test(
        "is the nearest word",
        arguments: [
            ("comand", "command"), ("COMMAND", "command"), ("prot", "ports"), ("fro", "for"),
            ("x", nil),
            ("zzzzzz", nil), ("fo", nil), ("FOR", "for"), ("portts", "ports"),
        ])
    func nearest(word: String, known: String?) {
        #expect(Suggestion.nearest(to: word, among: ["command", "ports", "for"]) == known)
    }

    @Test func countsASwapAsOneEdit() {
        #expect(Suggestion.distance("form", "from") == 1)
        #expect(Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.distance("abc", "abc") == 0)
        #expect(Suggestion.hint(for: "qqqqq", among: ["a", "b"]) == "known are a, b")
    }
}
