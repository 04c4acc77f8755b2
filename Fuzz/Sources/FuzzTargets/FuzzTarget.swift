/// A parser that reads what others send, and what must hold whatever they send.
///
/// The same targets run in the tests, on their seeds and on changed ones, and under libFuzzer.
package struct FuzzTarget: Sendable {
    /// The name on the command line, and of the folder of its regressions.
    package let name: String
    /// What it is about.
    package let summary: String
    /// Inputs to start from, valid and not.
    package let seeds: [[UInt8]]
    /// Reads an input. Whatever it is, it must not crash, and what holds for every input must hold.
    ///
    /// - Throws: ``FuzzFailure`` when it does not.
    package let check: @Sendable ([UInt8]) throws -> Void

    init(
        _ name: String, _ summary: String, seeds: [String],
        check: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.init(name, summary, seedBytes: seeds.map { Array($0.utf8) }, check: check)
    }

    init(
        _ name: String, _ summary: String, seedBytes: [[UInt8]],
        check: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.summary = summary
        self.seeds = seedBytes
        self.check = check
    }

    /// All targets.
    package static let all: [FuzzTarget] = [
        .scenario, .words, .json, .control, .framing, .placeholders, .pattern, .node, .resp,
        .history, .frame,
    ]
}

/// Something that had to hold and did not.
package struct FuzzFailure: Error, CustomStringConvertible {
    /// What, and with which values.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Requires that something holds.
func require(_ holds: Bool, _ sentence: @autoclosure () -> String) throws {
    if !holds { throw FuzzFailure(sentence()) }
}

/// Requires two values to be the same.
func requireSame<Value: Equatable>(
    _ left: Value, _ right: Value, _ what: @autoclosure () -> String
) throws {
    if left != right { throw FuzzFailure("\(what()): \(left) is not \(right)") }
}

/// The input as text, if it is UTF-8.
func text(_ bytes: some Collection<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }
