import ChaosCore

/// What a job computes, without anybody who does it: pure functions of the input's text.
///
/// A chunk's counts are the same whoever counts them and however often, which is what makes it safe to do a task again.
enum MapReduceJob {
    /// What is counted.
    enum Function: String, CaseIterable, Sendable {
        case words
        case lines
    }

    /// How many map tasks a job has at most: one for each chunk of its input.
    static let mapCount = 8
    /// How many reduce tasks a job has, where it has any.
    static let reduceCount = 4

    /// Splits a text into parts of about the same size, each a number of whole lines. Nothing is lost: the parts
    /// put together are the text.
    static func chunks(of text: String, count: Int = mapCount) -> [String] {
        let bytes = Array(text.utf8)
        var chunks: [String] = []
        var start = 0
        for index in 1...count {
            var end = bytes.count * index / count
            while end < bytes.count, end > start, bytes[end - 1] != UInt8(ascii: "\n") { end += 1 }
            if end > start {
                chunks.append(String(decoding: bytes[start..<end], as: UTF8.self))
                start = end
            }
        }
        return chunks
    }

    /// Splits a text into parts of the same size, in the middle of whatever is there.
    static func byteChunks(of text: String, count: Int = mapCount) -> [String] {
        let bytes = Array(text.utf8)
        return (0..<count).map { index in
            let part = bytes[bytes.count * index / count..<bytes.count * (index + 1) / count]
            return String(decoding: part, as: UTF8.self)
        }
    }

    /// How often everything stands in a text.
    static func counts(_ function: Function, _ text: String) -> [String: Int64] {
        let isEnd: (Character) -> Bool =
            switch function {
            case .words: { $0.isWhitespace }
            case .lines: { $0.isNewline }
            }
        var counts: [String: Int64] = [:]
        for part in text.split(whereSeparator: isEnd) { counts[String(part), default: 0] += 1 }
        return counts
    }

    /// Spreads counts over the reduce tasks: each key goes to one, and always to the same.
    ///
    /// - Parameter salt: Whoever takes another one sends keys elsewhere.
    static func spread(_ counts: [String: Int64], salt: UInt64 = 0) -> [[String: Int64]] {
        var parts = Array(repeating: [String: Int64](), count: Self.reduceCount)
        for (key, count) in counts {
            let hash = Seed(salt).derived(key).value
            parts[Int(hash % UInt64(Self.reduceCount))][key] = count
        }
        return parts
    }

    /// Adds counts to others.
    static func merge(_ counts: [String: Int64], into sums: inout [String: Int64]) {
        for (key, count) in counts { sums[key, default: 0] += count }
    }

    /// Counts as they are stored and sent.
    static func json(_ counts: [String: Int64]) -> JSONValue {
        let members = counts.sorted { $0.key < $1.key }
        return .object(JSONObject(members.map { ($0.key, .int($0.value)) }))
    }

    /// Reads counts.
    static func counts(_ json: JSONValue?) -> [String: Int64]? {
        guard let members = json?.objectValue?.members else { return nil }
        var counts: [String: Int64] = [:]
        for member in members { counts[member.key] = member.value.intValue }
        return counts
    }
}
