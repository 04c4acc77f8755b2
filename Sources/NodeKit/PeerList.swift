/// The other nodes of a cluster and where they listen, as given on a command line.
public struct PeerList: Sendable {
    /// The peers in the order they were named.
    public let peers: [(name: String, host: String, port: Int)]

    /// Makes a list; the names must differ.
    public init(_ peers: [(name: String, host: String, port: Int)] = []) { self.peers = peers }

    /// Reads `n2=127.77.1.2:7000,n3=127.77.1.3:7000`.
    ///
    /// Names may be left out when the node's own name is a prefix and a number: the addresses then
    /// belong to the other numbers in order, so that to `n2` they are `n1`, `n3`, `n4`, ….
    ///
    /// - Parameters:
    ///   - text: The peers, separated by commas or spaces; empty for a node without peers.
    ///   - id: The node's own name, which must not be among the peers.
    /// - Throws: `NodeError` with a sentence that names the entry.
    public init(parsing text: String, id: String) throws(NodeError) {
        var peers: [(name: String, host: String, port: Int)] = []
        let entries = text.split { $0 == "," || $0 == " " }
        for (index, entry) in entries.enumerated() {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name: String
            if parts.count == 2 {
                name = String(parts[0])
            } else {
                name = try Self.name(at: index, besides: id, entry: String(entry))
            }
            let address = String(parts[parts.count - 1])
            let (host, port) = try Self.endpoint(parsing: address, of: "peer '\(name)'")
            if name.isEmpty { throw NodeError("a peer is NAME=HOST:PORT, found '\(entry)'") }
            if name == id { throw NodeError("a node is not its own peer, found '\(entry)'") }
            if peers.contains(where: { $0.name == name }) {
                throw NodeError("a peer is named once, found '\(name)' again")
            }
            peers.append((name, host, port))
        }
        self.peers = peers
    }

    /// The names of all nodes of the cluster, the given one included, `n2` before `n10`.
    func members(with id: String) -> [String] {
        ([id] + self.peers.map(\.name)).map { NodeName($0) }.sorted().map(\.text)
    }

    /// The name of an unnamed peer: the node's own prefix and the next number that is not its own.
    private static func name(
        at index: Int, besides id: String, entry: String
    ) throws(NodeError) -> String {
        let digits = id.reversed().prefix { $0.isASCII && $0.isNumber }.count
        guard let own = Int(id.suffix(digits)), own > 0 else {
            throw NodeError(
                "a peer is NAME=HOST:PORT, found '\(entry)'",
                hint: "names may be left out only when the node's own is like 'n1'")
        }
        let number = index + 1 < own ? index + 1 : index + 2
        return String(id.dropLast(digits)) + String(number)
    }

    /// Reads a TCP address, naming what it belongs to where it is none.
    public static func endpoint(
        parsing text: String, of what: String
    ) throws(NodeError) -> (host: String, port: Int) {
        do {
            if case .tcp(let host, let port) = try Endpoint(parsing: text) {
                return (host, Int(port))
            }
        } catch {
            throw NodeError("\(what): \(error.sentence)", hint: error.hint)
        }
        throw NodeError("\(what): a node listens on HOST:PORT, found '\(text)'")
    }
}
