import ChaosCore
import NodeKit

/// Requests over HTTP to nodes in virtual time, and their answers as `curl` would show them.
extension ClusterSimulation {
    struct Answer: Equatable, CustomStringConvertible {
        let status: Int64
        let body: String
        var description: String { "\(self.status) \(self.body)" }
    }

    private mutating func exchange(
        _ node: String, _ body: JSONObject, within limit: Duration
    ) -> Answer? {
        guard let reply = self.ask(node, body, within: limit) else { return nil }
        return Answer(
            status: reply["status"]?.intValue ?? -1, body: reply["body"]?.stringValue ?? "")
    }

    /// `curl -d url=URL [-d code=CODE] NODE/`
    @discardableResult
    mutating func shorten(
        _ url: String, as code: String? = nil, on node: String, within limit: Duration = .seconds(2)
    ) -> Answer? {
        let form = "url=\(url)" + (code.map { "&code=\($0)" } ?? "")
        return self.exchange(node, HTTPRequest.body("POST", "/", body: form), within: limit)
    }

    /// `curl NODE/CODE`
    @discardableResult
    mutating func follow(
        _ code: String, on node: String, visit: String? = nil, within limit: Duration = .seconds(2)
    ) -> Answer? {
        let headers: JSONObject = visit.map { ["x-view-id": .string($0)] } ?? [:]
        return self.exchange(
            node, HTTPRequest.body("GET", "/\(code)", headers: headers), within: limit)
    }

    /// What all nodes say how often a code was followed.
    mutating func views(of code: String) -> [String?] {
        self.names.map {
            self.exchange($0, HTTPRequest.body("GET", "/\(code)/aggregates"), within: .seconds(2))?
                .body
        }
    }

    /// How many commands Redis got whose first word is this one.
    func commandCount(_ word: String) -> Int {
        self.traffic.count {
            $0.destination == "redis" && $0["words"]?.arrayValue?.first == .string(word)
        }
    }
}
