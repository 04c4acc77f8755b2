import ChaosCheckers
import ChaosCore
import NIOHTTP1

/// A client of a link shortener over HTTP, who asks again where no answer comes.
///
///     create [code or null, url]  POST /                201: [code, url]
///     get [code, null]            GET /CODE             302: [code, url]; 404: [code, null]
///     add                         the same              302: one view; 404: none
///     read                        GET /CODE/aggregates  the number in "Redirects: N"
///
/// What is asked again is the very same request: a `create` says the same link, and the views of one `add` have one `x-view-id`.
struct LinkClient: OperationTranslator {
    let name: String
    let node: ClientAddress
    private let connection: RepeatedRequests
    /// The one code whose views are counted.
    static let viewedCode = "viewed"

    init(name: String, node: ClientAddress) {
        self.name = name
        self.node = node
        self.connection = RepeatedRequests(node)
    }

    var nodeName: String { self.node.node }

    func carryOut(
        _ function: String, _ argument: JSONValue, timeout: Duration
    ) async -> Conclusion {
        let code = argument.arrayValue?.first?.stringValue
        switch function {
        case "create":
            let url = argument.arrayValue?.last?.stringValue ?? ""
            let wish = code.map { "&code=\($0)" } ?? ""
            return await self.exchange(.POST, "/", body: "url=\(url)\(wish)", timeout) { reply in
                switch reply.status {
                case 200, 201: (.ok, [.string(reply.body), .string(url)], nil)
                case 400...499: (.fail, nil, "status \(reply.status)")
                default: (.info, nil, "status \(reply.status): \(reply.body)")
                }
            }
        case "get":
            let key = JSONValue.string(code ?? "")
            return await self.exchange(.GET, "/\(code ?? "")", timeout) { reply in
                switch reply.status {
                case 302: (.ok, [key, .string(reply.body)], nil)
                case 404: (.ok, [key, nil], nil)
                // Whatever happened, nothing was changed.
                default: (.fail, nil, "status \(reply.status): \(reply.body)")
                }
            }
        case "add":
            return await self.exchange(.GET, "/\(Self.viewedCode)", timeout) { reply in
                switch reply.status {
                case 302: (.ok, nil, nil)
                case 404: (.fail, nil, "nobody knows the link yet")
                default: (.info, nil, "status \(reply.status): \(reply.body)")
                }
            }
        default:
            return await self.exchange(.GET, "/\(Self.viewedCode)/aggregates", timeout) { reply in
                let count = Int64(reply.body.split(separator: " ").last ?? "")
                guard reply.status == 200, let count else {
                    return (.fail, nil, "status \(reply.status): \(reply.body)")
                }
                return (.ok, .int(count), nil)
            }
        }
    }

    /// Sends a request until it is answered, a few times at most.
    private func exchange(
        _ method: HTTPMethod, _ path: String, body: String? = nil, _ timeout: Duration,
        _ conclude: (HTTPReply) -> Conclusion
    ) async -> Conclusion {
        let visit = "\(self.name)-\(await self.connection.sentCount)"
        let request = RepeatedRequests.Request(
            method: method, path: path, headers: [("x-view-id", visit)],
            body: body.map { ("application/x-www-form-urlencoded", $0) })
        return await self.connection.exchange(request, timeout: timeout) { conclude($0) }
    }

    func close() async { await self.connection.close() }
}
