/// One line of a node's log: when, from where, what.
package struct LogLine: Hashable, Sendable {
    /// Where a line comes from.
    package enum Source: String, Sendable {
        /// The node's standard output.
        case output = "out"
        /// The node's standard error.
        case errors = "err"
        /// The supervisor: in which state the node is.
        case state = "---"
    }

    /// Which line of the log it is, from 1.
    package var number: Int
    /// When it was read, in seconds since the start.
    package var seconds: Double
    /// Where it comes from.
    package var source: Source
    /// What it says, shortened where it is long.
    package var text: String
    /// Whether it reads as if something had gone wrong.
    package var isTrouble: Bool
}

/// A line of a log before anybody wants its text: most lines of a long log are only counted.
struct RawLogLine {
    /// Longer lines are shortened.
    static let bytesMax = 300

    let seconds: Double
    let source: LogLine.Source
    let text: ArraySlice<UInt8>

    /// Reads `    0.103201 out listening on 127.77.1.1:7001`; `nil` if the line is none of a log.
    init?(_ line: ArraySlice<UInt8>) {
        let line = line.drop { $0 == 0x20 }
        guard let space = line.firstIndex(of: 0x20), line.endIndex - space >= 4,
            let seconds = Self.seconds(line[..<space]),
            let source = LogLine.Source(
                rawValue: String(decoding: line[(space + 1)..<(space + 4)], as: UTF8.self))
        else { return nil }
        self.seconds = seconds
        self.source = source
        self.text = line[(space + 4)...].dropFirst()
    }

    /// What is kept of the line, the given one of its log.
    func kept(as number: Int, isTrouble: Bool) -> KeptLogLine {
        KeptLogLine(
            number: number, seconds: self.seconds, source: self.source,
            bytes: Array(self.text.prefix(Self.bytesMax)),
            isCut: self.text.count > Self.bytesMax, isTrouble: isTrouble)
    }

    private static func seconds(_ bytes: ArraySlice<UInt8>) -> Double? {
        guard bytes.count <= 18, bytes.contains(UInt8(ascii: ".")),
            bytes.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }
}

/// A line that may be shown; few of those that are kept for a while are.
struct KeptLogLine: Hashable, Sendable {
    let number: Int
    let seconds: Double
    let source: LogLine.Source
    let bytes: [UInt8]
    let isCut: Bool
    let isTrouble: Bool

    var line: LogLine {
        LogLine(
            number: self.number, seconds: self.seconds, source: self.source,
            text: String(decoding: self.bytes, as: UTF8.self) + (self.isCut ? " …" : ""),
            isTrouble: self.isTrouble)
    }
}

/// Finds the words with which programs say that something went wrong.
enum TroubleWords {
    private static let words = [
        "abort", "assert", "critical", "error", "exception", "fail", "fatal", "panic",
        "refused", "segmentation", "timed out", "timeout", "traceback", "unexpected", "warn",
    ].map { Array($0.utf8) }
    /// The words by their first byte: a long log has many bytes.
    private static let byFirst = (0...255).map { first in
        Self.words.filter { Int($0[0]) == first }
    }

    /// Whether one of the words begins somewhere in a line: at its beginning, behind something that is
    /// no letter, or as the next part of a name such as `TypeError`.
    static func occur(in line: ArraySlice<UInt8>) -> Bool {
        let table = Self.byFirst
        var before: UInt8 = 0x20
        for index in line.indices {
            let byte = line[index]
            let words = table[Int(byte | 0x20)]
            if !words.isEmpty, Self.beginsWord(byte, behind: before) {
                for word in words where line.endIndex - index >= word.count {
                    if Self.stands(word, at: index, of: line) { return true }
                }
            }
            before = byte
        }
        return false
    }

    private static func beginsWord(_ byte: UInt8, behind before: UInt8) -> Bool {
        let isUpper = byte & 0x20 == 0
        let wasLetter = (0x61...0x7A).contains(before | 0x20)
        return !wasLetter || (isUpper && before & 0x20 != 0)
    }

    private static func stands(
        _ word: [UInt8], at index: Int, of line: ArraySlice<UInt8>
    ) -> Bool {
        for place in word.indices where line[index + place] | 0x20 != word[place] { return false }
        return true
    }
}
