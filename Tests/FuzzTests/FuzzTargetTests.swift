import ChaosCore
import Foundation
import FuzzTargets
import Testing

/// What `make fuzz` searches for hours, for a moment and always the same: every parser that reads what
/// others send takes its seeds, changed seeds, examples and the inputs of former failures.
@Suite("Whatever others send")
struct FuzzTargetTests {
    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func files(in folder: String, endingIn suffix: String = "") throws -> [[UInt8]] {
        let url = Self.package.appendingPathComponent(folder)
        let found =
            FileManager.default.enumerator(atPath: url.path)?
            .compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }.sorted() ?? []
        return try found.compactMap { name in
            var isFolder: ObjCBool = false
            let file = url.appendingPathComponent(name)
            _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
            return isFolder.boolValue ? nil : Array(try Data(contentsOf: file))
        }
    }

    private func check(_ target: FuzzTarget, _ input: [UInt8]) {
        do { try target.check(input) } catch {
            Issue.record("\(target.name): \(error)\ninput: \(Data(input).base64EncodedString())")
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func changedSeedsAreReadOrRefused(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        var generator = Seed(7).derived("fuzz", name).generator
        for seed in target.seeds {
            self.check(target, seed)
            for _ in 0..<(4000 / max(target.seeds.count, 20)) {
                self.check(target, Self.changed(seed, target.seeds, &generator))
            }
        }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func whatFailedOnceIsReadOrRefused(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        for input in try Self.files(in: "Fuzz/Regressions/\(name)") { self.check(target, input) }
    }

    @Test func everyExampleIsReadAndChangedOnesToo() throws {
        let target = try #require(FuzzTarget.all.first { $0.name == "scenario" })
        let examples = try Self.files(in: "examples", endingIn: ".yaml")
        #expect(examples.count > 3)
        var generator = Seed(8).generator
        for example in examples {
            self.check(target, example)
            for _ in 0..<10 { self.check(target, Self.changed(example, examples, &generator)) }
        }
    }

    /// Removes, doubles, overwrites or adds some bytes, or goes on with a part of another input.
    private static func changed(
        _ input: [UInt8], _ others: [[UInt8]], _ generator: inout Generator
    ) -> [UInt8] {
        var bytes = input
        for _ in 0...generator.next(below: 4) {
            let place = generator.next(below: bytes.count + 1)
            let end = min(bytes.count, place + generator.next(below: 9))
            switch generator.next(below: 6) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 2 where place < end: bytes[place] = UInt8(generator.next(below: 256))
            case 3 where place < end: bytes[place] ^= 1 << UInt8(generator.next(below: 8))
            case 4:
                let signs = Array("{}[]:,\"'\\/ \n\r\t-+.0123456789%*&|>#\u{0}".utf8)
                bytes.insert(generator.pick(signs) ?? 0, at: place)
            default:
                let other = generator.pick(others) ?? []
                let from = generator.next(below: other.count + 1)
                bytes.insert(contentsOf: other[from...].prefix(20), at: place)
            }
        }
        return bytes
    }
}
