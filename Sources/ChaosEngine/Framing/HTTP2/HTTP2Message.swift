import ChaosCore

/// A frame of HTTP/2, as far as matches and corruption need it.
struct HTTP2Message: Sendable {
    /// The frame's head; `nil` for the preface of a client.
    let head: HTTP2FrameHead?
    /// The payload of DATA without its padding.
    let data: Range<Int>?
    /// What a header block says, where the connection was followed from its beginning.
    let fields: HTTP2Fields?

    /// Reads a message; `nil` if the bytes are none.
    init?(_ bytes: [UInt8], _ fields: HTTP2Fields?) {
        self.fields = fields
        if bytes == HTTP2FrameHead.preface {
            (self.head, self.data) = (nil, nil)
            return
        }
        guard bytes.count >= HTTP2FrameHead.size else { return nil }
        let head = HTTP2FrameHead(bytes.prefix(HTTP2FrameHead.size))
        guard head.length <= bytes.count - HTTP2FrameHead.size else { return nil }
        self.head = head
        let first = bytes.count > HTTP2FrameHead.size ? bytes[HTTP2FrameHead.size] : nil
        let content = head.kind == .data ? head.content(first: first) : nil
        self.data = content.map {
            ($0.lowerBound + HTTP2FrameHead.size)..<($0.upperBound + HTTP2FrameHead.size)
        }
    }

    /// Whether it begins a request or a final response.
    var beginsMessage: Bool { self.head?.kind == .headers && self.fields?.beginsMessage == true }

    /// A request's method, a response's status, or else the frame's name.
    var type: String {
        if self.head?.kind == .headers, let fields = self.fields,
            let word = fields.value(":method") ?? fields.value(":status")
        {
            return word
        }
        return self.head?.name ?? "PREFACE"
    }

    /// The fields of a header block, or what DATA carries, behind frame and stream; `nil` for the preface.
    func preview(of bytes: [UInt8], _ count: Int) -> String? {
        guard let head = self.head else { return nil }
        var text = "\(head.name) stream \(head.stream)"
        if let fields = self.fields {
            text += " " + fields.all.map { "\($0.name): \($0.value)" }.joined(separator: ", ")
        }
        if let data = self.data {
            text += " " + String(decoding: bytes[data].prefix(count), as: UTF8.self)
        }
        return String(text.prefix(count))
    }

    func field(_ path: String) -> JSONValue? {
        switch path {
        case "frame": return .string(self.head?.name ?? "PREFACE")
        case "stream": return self.head.map { .int(Int64($0.stream)) }
        case "method": return self.fields?.value(":method").map { .string($0) }
        case "status":
            return self.fields?.value(":status").flatMap { Int64($0) }.map { .int($0) }
        case "target": return self.fields?.value(":path").map { .string($0) }
        case "path":
            return self.fields?.value(":path").map {
                .string(String($0.prefix { $0 != "?" && $0 != "#" }))
            }
        default:
            guard path.hasPrefix("header.") else { return nil }
            let name = path.dropFirst("header.".count).lowercased()
            // What HTTP/1.1 calls Host.
            let values =
                self.fields?.values(name)
                ?? (name == "host" ? self.fields?.value(":authority") : nil)
            return values.map { .string($0) }
        }
    }
}
