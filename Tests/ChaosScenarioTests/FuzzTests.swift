import ChaosCore
import ChaosScenario
import Testing

/// Whatever stands in a file, reading it ends with a value or with sentences.
@Suite("Whatever stands in a file")
struct FuzzTests {
    private func read(_ text: String) {
        do {
            let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
            #expect(throws: Never.self) {
                _ = try ScenarioParser().scenario(scenario.yaml, file: "b.yaml")
            }
        } catch {
            #expect(!error.list.isEmpty)
            for mistake in error.list {
                #expect(mistake.position.line >= 1 && mistake.position.column >= 1)
                #expect(!mistake.error.rule.isEmpty && mistake.error.rule.last != ".")
            }
        }
    }

    @Test func mutatedFilesEndInSentences() {
        var generator = Seed(3).generator
        let pieces = [
            "{", "}", "[", "]", ":", ",", "- ", "\n", "  ", "\t", "'", "\"", "*", "&a", "*a", "!",
            "#",
            "%", "0", "99999999999999999999", "-", "n1", "±", "|", ">", "? ", "<<", "\u{0}",
            "\u{feff}",
            "😀", "..", "->", "<->", "/", "10%", "1s", "nth: 3", "\r\n", "---\n", "...",
        ]
        let base = Array(designExample.unicodeScalars)
        for _ in 0..<800 {
            var scalars = base
            for _ in 0...generator.next(below: 4) {
                let place = generator.next(below: scalars.count)
                let end = min(scalars.count, place + generator.next(below: 8))
                switch generator.next(below: 4) {
                case 0: scalars.removeSubrange(place..<end)
                case 1:
                    let piece = pieces[generator.next(below: pieces.count)]
                    scalars.insert(contentsOf: piece.unicodeScalars, at: place)
                case 2:
                    let piece = pieces[generator.next(below: pieces.count)]
                    scalars.replaceSubrange(place..<end, with: piece.unicodeScalars)
                default:
                    let from = generator.next(below: scalars.count)
                    let to = min(scalars.count, from + generator.next(below: 40))
                    scalars.insert(contentsOf: Array(scalars[from..<to]), at: place)
                }
            }
            self.read(String(String.UnicodeScalarView(scalars)))
        }
    }

    @Test func randomBytesEndInSentences() {
        var generator = Seed(4).generator
        for _ in 0..<300 {
            let bytes = (0..<generator.next(below: 200)).map { _ in
                UInt8(truncatingIfNeeded: generator.next(below: 256))
            }
            do { self.read(try ScenarioParser.text(of: bytes, file: "a.yaml")) } catch {
                #expect(error.list.count == 1)
            }
            self.read(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("deep nesting is refused", arguments: [100, 900, 5000, 200_000])
    func nesting(depth: Int) {
        let open = String(repeating: "[", count: depth)
        #expect(mistakes("checks: " + open).count >= 1)
        #expect(mistakes("checks: " + open + String(repeating: "]", count: depth)).count >= 1)
        #expect(mistakes("checks: " + String(repeating: "{a: ", count: depth)).count >= 1)
        #expect(mistakes(String(repeating: "- ", count: depth) + "a").count >= 1)
        let steps = (0..<min(depth, 1000)).map { String(repeating: " ", count: $0) + "a:" }
        #expect(mistakes(steps.joined(separator: "\n")).count >= 1)
    }

    @Test func deepNestingHasASentence() {
        let text =
            "checks: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(mistakes(text) == ["a.yaml:1:73: a file nests at most 64 levels deep"])
        let deeper = "checks: " + String(repeating: "[", count: 2000)
        #expect(mistakes(deeper).first?.contains("this is not YAML: it nests too deep") == true)
    }

    @Test func aliasesThatGrowBeyondBoundsAreRefused() {
        var lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        for level in 1..<12 {
            let parts = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            lines.append("a\(level): &a\(level) [\(parts)]")
        }
        #expect(
            mistakes(lines.joined(separator: "\n")) == [
                "a.yaml:5:20: a file has at most 32 aliases"
            ])
        // Few aliases may grow too: five levels of six.
        lines = ["a0: &a0 [\(Array(repeating: "x", count: 100).joined(separator: ", "))]"]
        for level in 1..<6 {
            let parts = Array(repeating: "*a\(level - 1)", count: 6).joined(separator: ", ")
            lines.append("a\(level): &a\(level) [\(parts)]")
        }
        #expect(
            mistakes(lines.joined(separator: "\n")).first?.contains(
                "a file has at most 50000 values")
                == true)
        // As keys, which the parser compares.
        #expect(!mistakes(lines.joined(separator: "\n") + "\n? *a5\n: x\n").isEmpty)
    }

    @Test func aFewAliasesAreFine() throws {
        let text = """
            nodes: { n1..n3: { command: x } }
            network:
              links:
                n1->n2: &slow { delay: 5ms }
                n2->n1: *slow
            """
        let scenario = try ScenarioParser().scenario(text, file: "a.yaml")
        #expect(scenario.network.rules.map(\.faults.first?.text) == ["delay 5ms", "delay 5ms"])
    }

    @Test func longFilesAreRefused() {
        let text = "name: " + String(repeating: "x", count: 2 << 20)
        #expect(mistakes(text) == ["a.yaml:1:1: a file has at most 1 MiB"])
    }

    @Test func manyKeysWrittenTwiceAreAllTold() {
        let keys = (0..<30).map { "k\($0): 1\nk\($0): 2" }.joined(separator: "\n")
        let told = mistakes(keys).filter { $0.contains("a key stands once") }
        #expect(told.count == 30)
    }
}
