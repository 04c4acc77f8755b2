import ChaosCore
import ChaosEngine

/// A random stream of messages of one framing, and the messages that it is made of.
struct RandomStream {
    let framing: Framing
    let side: StreamSide
    private(set) var messages: [[UInt8]] = []
    private(set) var bytes: [UInt8] = []
    /// Responses of HTTP: the methods of the requests that they answer.
    private(set) var answeredMethods: [String] = []

    /// Makes a stream of up to 12 valid messages.
    init(_ framing: Framing, _ side: StreamSide, _ random: inout Generator) {
        self.framing = framing
        self.side = side
        let count = random.next(below: 13)
        for index in 0..<count {
            self.messages.append(self.message(isLast: index == count - 1, &random))
        }
        self.bytes = self.messages.flatMap { $0 }
    }

    /// Makes a stream of random bytes, of which most are those that the framing gives a meaning.
    init(garbageFor framing: Framing, _ side: StreamSide, _ random: inout Generator) {
        self.framing = framing
        self.side = side
        let words = [
            "\r\n", "\n", "$", "*1", "*2", "1", "-1", "+", ";", "?", "|", "GET ", "/ ", "HTTP/1.1",
            "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", ": ",
        ].map { Array($0.utf8) }
        while self.bytes.count < 300 {
            switch random.next(below: 4) {
            case 0: self.bytes += Self.bytes(1 + random.next(below: 4), &random)
            case 1: self.bytes.append(UInt8(random.next(below: 4)))
            default: self.bytes += random.pick(words) ?? []
            }
        }
    }

    /// Changes, removes or adds some bytes.
    mutating func damage(_ random: inout Generator) {
        for _ in 0...random.next(below: 3) where !self.bytes.isEmpty {
            let index = random.next(below: self.bytes.count)
            switch random.next(below: 3) {
            case 0: self.bytes[index] ^= 1 << UInt8(random.next(below: 8))
            case 1: self.bytes.remove(at: index)
            default: self.bytes.insert(UInt8(random.next(below: 256)), at: index)
            }
        }
    }

    /// Random places to cut the stream at, in order; sometimes two reads have nothing between them.
    func cuts(_ random: inout Generator) -> [Int] {
        let count = random.next(below: random.next(below: 2) == 0 ? 4 : self.bytes.count + 1)
        return (0..<count).map { _ in random.next(below: self.bytes.count + 1) }.sorted()
    }

    private mutating func message(isLast: Bool, _ random: inout Generator) -> [UInt8] {
        let size = random.next(below: random.next(below: 4) == 0 ? 400 : 20)
        let payload = Self.bytes(size, &random)
        switch (self.framing, self.side) {
        case (.none, _): return payload
        case (.lines, _): return payload.filter { $0 != 0x0A } + [0x0A]
        case (.length16, _): return [UInt8(size >> 8), UInt8(size & 0xFF)] + payload
        case (.length32, _): return [0, 0, UInt8(size >> 8), UInt8(size & 0xFF)] + payload
        case (.varint, _):
            if size < 128 { return [UInt8(size)] + payload }
            return [UInt8(size & 0x7F | 0x80), UInt8(size >> 7)] + payload
        case (.resp, .requests): return Self.command(&random)
        case (.resp, .responses): return Self.value(depth: 0, &random)
        case (.http2, _): return self.frame(payload, &random)
        case (.http1, .requests): return Self.request(&random)
        case (.http1, .responses): return self.response(isLast: isLast, &random)
        }
    }

    /// The next frame of an HTTP/2 connection; the first ones are what they must be.
    private func frame(_ payload: [UInt8], _ random: inout Generator) -> [UInt8] {
        let place = self.messages.count + (self.side == .responses ? 1 : 0)
        if place == 0 { return HTTP2Frames.preface }
        if place == 1 { return HTTP2Frames.settings }
        let stream = 1 + 2 * random.next(below: 5)
        switch random.next(below: 4) {
        case 0:
            let block = HTTP2Frames.get("/\(place)")
            let cut = random.next(below: block.count)
            return HTTP2Frames.frame(1, 0, stream, Array(block[..<cut]))
                + HTTP2Frames.frame(9, 4, stream, Array(block[cut...]))
        case 1: return HTTP2Frames.headers(stream, HTTP2Frames.get("/"))
        case 2: return HTTP2Frames.frame(0, 0, stream, payload)
        default: return HTTP2Frames.frame(0xF, 0, 0, payload)
        }
    }

    private static func bytes(_ count: Int, _ random: inout Generator) -> [UInt8] {
        (0..<count).map { _ in
            // Line ends and digits more often than by chance.
            random.next(below: 3) == 0
                ? random.pick(Array("\r\n0123456789$*".utf8)) ?? 0 : UInt8(random.next(below: 256))
        }
    }
}

// MARK: - RESP

extension RandomStream {
    private static func bulk(_ random: inout Generator, sign: String = "$") -> [UInt8] {
        let payload = Self.bytes(random.next(below: 40), &random)
        return Array("\(sign)\(payload.count)\r\n".utf8) + payload + [0x0D, 0x0A]
    }

    private static func command(_ random: inout Generator) -> [UInt8] {
        switch random.next(below: 6) {
        case 0: return Array("PING arg\r\n".utf8)
        case 1: return Array("GET \u{e9}\n".utf8)
        default:
            let count = random.next(below: 5)
            return Array("*\(count)\r\n".utf8) + (0..<count).flatMap { _ in Self.bulk(&random) }
        }
    }

    private static func value(depth: Int, _ random: inout Generator) -> [UInt8] {
        func values(_ count: Int, _ random: inout Generator) -> [UInt8] {
            (0..<count).flatMap { _ in Self.value(depth: depth + 1, &random) }
        }
        let count = random.next(below: 4)
        switch random.next(below: depth < 4 ? 14 : 7) {
        case 0: return Array("+OK\r\n".utf8)
        case 1: return Array("-ERR what\r\n".utf8)
        case 2: return Array(":\(random.next(below: 1000))\r\n".utf8)
        case 3: return Self.bulk(&random)
        case 4: return Self.bulk(&random, sign: random.pick(["!", "="]) ?? "$")
        case 5:
            return Array((random.pick(["$-1", "_", "#f", ",1e9", "(123", "*-1"]) ?? "").utf8) + [
                13, 10,
            ]
        case 6: return Array("$?\r\n;2\r\n\r\n\r\n;0\r\n".utf8)
        case 7, 8: return Array("*\(count)\r\n".utf8) + values(count, &random)
        case 9: return Array("~\(count)\r\n".utf8) + values(count, &random)
        case 10: return Array("%\(count)\r\n".utf8) + values(2 * count, &random)
        case 11: return Array("|\(count)\r\n".utf8) + values(2 * count + 1, &random)
        case 12: return Array("*?\r\n".utf8) + values(count, &random) + Array(".\r\n".utf8)
        default: return Array(">\(count)\r\n".utf8) + values(count, &random)
        }
    }
}

// MARK: - HTTP

extension RandomStream {
    private static func request(_ random: inout Generator) -> [UInt8] {
        let method = random.pick(["GET", "HEAD", "POST", "OPTIONS", "M-SEARCH"]) ?? ""
        let gap = random.pick(["", "", "\r\n", "\n\r\n"]) ?? ""
        return Array("\(gap)\(method) /path?\(random.next32()) HTTP/1.1\r\n".utf8)
            + Self.fieldsAndBody(mayHaveNone: true, &random)
    }

    private mutating func response(isLast: Bool, _ random: inout Generator) -> [UInt8] {
        switch random.next(below: 6) {
        case 0: return Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        case 1:
            self.answeredMethods.append("HEAD")
            return Array("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".utf8)
        case 2:
            self.answeredMethods.append("GET")
            return Array("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        case 3 where isLast:
            self.answeredMethods.append("GET")
            return Array("HTTP/1.0 200 OK\r\nA: b\r\n\r\n".utf8) + Self.bytes(50, &random)
        default:
            self.answeredMethods.append("POST")
            return Array("HTTP/1.1 200 OK\r\n".utf8)
                + Self.fieldsAndBody(mayHaveNone: false, &random)
        }
    }

    private static func fieldsAndBody(mayHaveNone: Bool, _ random: inout Generator) -> [UInt8] {
        var head = ""
        for _ in 0..<random.next(below: 4) {
            head +=
                random.pick(["X-A: b\r\n", "Host:h\r\n", "x:\r\n", "Folded: a\r\n b\r\n"]) ?? ""
        }
        switch random.next(below: mayHaveNone ? 3 : 2) {
        case 0:
            let body = Self.bytes(random.next(below: 60), &random)
            return Array("\(head)Content-Length: \(body.count)\r\nZ: z\r\n\r\n".utf8) + body
        case 1:
            var message = Array("\(head)transfer-encoding:chunked\r\n\r\n".utf8)
            for _ in 0..<random.next(below: 4) {
                let chunk = Self.bytes(1 + random.next(below: 40), &random)
                let size = String(chunk.count, radix: 16, uppercase: random.next(below: 2) == 0)
                message += Array("\(size)\(random.pick(["", ";x=y"]) ?? "")\r\n".utf8)
                message += chunk + [0x0D, 0x0A]
            }
            return message + Array((random.pick(["0\r\n\r\n", "00\r\nT: x\r\n\r\n"]) ?? "").utf8)
        default: return Array("\(head)\r\n".utf8)
        }
    }
}
