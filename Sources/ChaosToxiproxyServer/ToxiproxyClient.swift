import ChaosCore
import ChaosToxiproxy
import Foundation
import NIOCore
import NIOPosix

/// Asks a Toxiproxy, ours or another, over HTTP.
package struct ToxiproxyClient: Sendable {
    private let host: String
    private let port: Int
    private static let answerTime = TimeAmount.seconds(30)

    /// - Parameter url: Where the API is: `http://HOST:PORT`; the scheme may be left out.
    /// - Throws: `InputError` for what is no such address.
    package init(url: String) throws(InputError) {
        var rest = Substring(url)
        if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains("/"),
            case .tcp(let host, let port) = try Endpoint(parsing: String(rest))
        else { throw InputError("a Toxiproxy is at http://HOST:PORT", found: url) }
        self.host = host
        self.port = Int(port)
    }

    /// What came back.
    package struct Answer: Sendable {
        package let status: Int
        package let body: JSONValue
    }

    /// Asks once.
    ///
    /// - Throws: `ToxiproxyServerError` when nobody answers, or not as HTTP does.
    package func ask(
        _ method: String, _ path: [String], _ body: JSONValue? = nil
    ) async throws -> Answer {
        let content = body.map { Array($0.text.utf8) } ?? []
        let target = path.map { "/" + PercentEncoding.encode($0, keeping: "-_.~") }.joined()
        let head =
            "\(method) \(target) HTTP/1.1\r\nHost: \(self.host):\(self.port)\r\nConnection: close\r\n"
            + "User-Agent: chaos-toxic\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(content.count)\r\n\r\n"
        let received = try await self.exchange(Array(head.utf8) + content)
        return try Self.parse(received)
    }

    private func exchange(_ request: [UInt8]) async throws -> [UInt8] {
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .connect(host: self.host, port: self.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw ToxiproxyServerError(
                "no Toxiproxy answers at \(self.host):\(self.port): \(Self.reason(error))")
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: request))
            var received: [UInt8] = []
            for try await buffer in inbound { received += Array(buffer.readableBytesView) }
            return received
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? NIOConnectionError, let first = error.connectionErrors.first
        else {
            return "\(error)"
        }
        return "\(first.error)"
    }

    private static func parse(_ received: [UInt8]) throws -> Answer {
        let text = String(decoding: received, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else {
            throw ToxiproxyServerError("the answer is not HTTP")
        }
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else {
            throw ToxiproxyServerError("the answer is not HTTP")
        }
        let head = text[..<end.lowerBound].lowercased()
        var content = text[end.upperBound...]
        var whole = ""
        if head.contains("transfer-encoding: chunked") {
            // Go sends long answers in pieces (RFC 9112, section 7.1).
            while let line = content.range(of: "\r\n"),
                let size = Int(content[..<line.lowerBound], radix: 16), size > 0
            {
                let rest = content[line.upperBound...]
                whole += String(decoding: rest.utf8.prefix(size), as: UTF8.self)
                content = Substring(rest.utf8.dropFirst(size + 2))
            }
        } else {
            whole = String(content)
        }
        let body = try? JSONValue(parsing: whole)
        return Answer(status: status, body: body ?? .null)
    }
}
