import ChaosCore
import DequeModule

/// What both halves of an HTTP stage know of the requests of one connection: what answers are to come,
/// and in which order (RFC 9112, section 9.3.2).
final class HTTPConversation {
    enum Answer {
        /// The target answers; the body may be cut short.
        case target(truncate: Int?)
        /// The stage answers, once its time has come.
        case own([UInt8], due: Instant, closes: Bool)
    }

    var answers: Deque<Answer> = []
    /// The methods of requests that were passed on, as long as the framing of answers was not told.
    var methods: [String] = []
    /// Whether a request was seen: what comes from then on answers it.
    var hasBegun = false
    /// Whether a request is under way that the stage will answer.
    var owesAnswer = false
    /// Whether the answers cannot be told apart, so that nobody can answer in between: the framing was
    /// lost, or the connection is a tunnel by now.
    var isBlind = false

    func takeMethods() -> [String] {
        defer { self.methods = [] }
        return self.methods
    }

    /// Whether the stage has still to answer some request.
    var hasOwnAnswers: Bool {
        self.owesAnswer
            || self.answers.contains {
                if case .own = $0 { return true }
                return false
            }
    }
}

/// Finds the end of the head of an HTTP/1 message, whatever pieces it comes in.
struct HTTP1HeadEnd {
    private var isLineEmpty = true
    private var hasBegun = false

    /// Where the body begins in these bytes, if the head ends in them; they are shown once.
    mutating func find(in bytes: Span<UInt8>) -> Int? {
        for index in bytes.indices {
            switch bytes[index] {
            case 0x0A:
                // Empty lines in front of a request do not count (RFC 9112, section 2.2).
                if self.isLineEmpty && self.hasBegun { return index + 1 }
                self.isLineEmpty = true
            case 0x0D: break
            default:
                self.isLineEmpty = false
                self.hasBegun = true
            }
        }
        return nil
    }
}

/// Counts the bytes of a body as its receiver does: without the sizes of chunks (RFC 9112, section
/// 7.1).
struct HTTPBodyCut {
    private enum Place {
        case plain
        case size(Int)
        case sizeRest(Int)
        case data(Int)
        case dataEnd
        case trailers
    }

    /// How many may still pass.
    private var rest: Int
    private var place: Place

    init(after count: Int, isChunked: Bool) {
        self.rest = count
        self.place = isChunked ? .size(0) : .plain
    }

    /// Where these bytes must be cut, if one of them is too many; they are shown once.
    mutating func find(in bytes: Span<UInt8>) -> Int? {
        var index = 0
        while index < bytes.count {
            switch self.place {
            case .trailers: return nil
            case .plain:
                let size = bytes.count - index
                if size > self.rest { return index + self.rest }
                self.rest -= size
                return nil
            case .data(let left):
                let size = min(left, bytes.count - index)
                if size > self.rest { return index + self.rest }
                self.rest -= size
                index += size
                self.place = size == left ? .dataEnd : .data(left - size)
            case .dataEnd:
                if bytes[index] == 0x0A { self.place = .size(0) }
                index += 1
            case .size(let size), .sizeRest(let size):
                self.takeSize(bytes[index], size)
                index += 1
            }
        }
        return nil
    }

    private mutating func takeSize(_ byte: UInt8, _ size: Int) {
        if byte == 0x0A {
            self.place = size == 0 ? .trailers : .data(size)
        } else if case .size = self.place,
            let digit = Character(Unicode.Scalar(byte)).hexDigitValue, size < 1 << 40
        {
            self.place = .size(size << 4 | digit)
        } else {
            self.place = .sizeRest(size)
        }
    }
}
