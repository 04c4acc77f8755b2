import ChaosCore

/// An HTTP/1 message, as far as matches and corruption need it.
struct HTTP1Message: Sendable {
    /// The method of a request or the status of a response.
    let type: String
    /// The body, if a Content-Length counts it.
    let countedBody: Range<Int>?

    private let target: String?
    private let status: Int?
    private let fields: [(name: String, value: String)]

    /// Reads a whole message; `nil` if the bytes are none.
    init?(_ bytes: [UInt8], _ side: StreamSide) {
        var lines = HTTP1Lines(bytes)
        var first = lines.next()
        while first == [] { first = lines.next() }
        guard let first, case .success(let start) = HTTP1StartLine.parse(first, side) else {
            return nil
        }
        switch start {
        case .none: return nil
        case .request(_, let name, _):
            self.type = name
            self.status = nil
            // The start line was parsed, so its target lies between the first and the last space.
            self.target = String(
                decoding: first.dropFirst(name.utf8.count + 1).dropLast(9), as: UTF8.self)
        case .response(let status, _):
            self.type = String(status)
            self.status = status
            self.target = nil
        }
        var fields: [(name: String, value: String)] = []
        var body = HTTP1BodyFields()
        while let line = lines.next(), !line.isEmpty {
            if body.take(line) != nil { return nil }
            guard let field = HTTP1Field(line) else { continue }
            fields.append(
                (
                    String(decoding: field.name.map(HTTP1Field.lowercased), as: UTF8.self),
                    String(decoding: field.value, as: UTF8.self)
                ))
        }
        self.fields = fields
        let isCounted =
            body.contentLength == bytes.count - lines.position
            && body.transferCoding == .none
        self.countedBody = isCounted ? lines.position..<bytes.count : nil
    }

    func field(_ path: String) -> JSONValue? {
        switch path {
        case "method": return self.target == nil ? nil : .string(self.type)
        case "status": return self.status.map { .int(Int64($0)) }
        case "target": return self.target.map { .string($0) }
        case "path": return self.target.map { .string(Self.path(of: $0)) }
        default:
            guard path.hasPrefix("header.") else { return nil }
            let name = path.dropFirst("header.".count).lowercased()
            let values = self.fields.filter { $0.name == name }.map(\.value)
            return values.isEmpty ? nil : .string(values.joined(separator: ", "))
        }
    }

    /// The path of a target, which may be a whole URL (RFC 9112 section 3.2.2).
    private static func path(of target: String) -> String {
        var path = target.prefix { $0 != "?" && $0 != "#" }
        if !path.hasPrefix("/"), let scheme = path.firstRange(of: "://") {
            path = path[scheme.upperBound...]
            path = path.firstIndex(of: "/").map { path[$0...] } ?? "/"
        }
        return String(path)
    }
}

/// The lines of a head, one after another, without their ends.
private struct HTTP1Lines {
    private let bytes: [UInt8]
    /// Where the next line begins.
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next line; `nil` if no more ends.
    mutating func next() -> [UInt8]? {
        guard let end = self.bytes[self.position...].firstIndex(of: 0x0A) else { return nil }
        var line = self.bytes[self.position..<end]
        if line.last == 0x0D { line.removeLast() }
        self.position = end + 1
        return Array(line)
    }
}
