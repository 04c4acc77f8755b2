// The API: requests in, answers out, and in between what the sockets must do. Changes are made one
// after the other; what only looks never waits for one. A change that fails leaves all as it was.

/// All proxies and what may be asked of them.
package actor Toxiproxy {
    let plane: any ToxiproxyPlane
    /// The version that clients are told.
    nonisolated let version: String
    private let observe: @Sendable (ToxiproxyEvent) -> Void
    private let persist: (@Sendable (String) async -> Void)?

    var records: [String: ProxyRecord] = [:]
    private var starts: [String: Int] = [:]
    private var idOfNext = 0
    private var toxicOfNext = 0
    /// Whether a change is under way, and those that wait for it.
    private var isChanging = false
    private var waiting: [(ticket: Int?, turn: CheckedContinuation<Bool, Never>)] = []
    private var ticketOfNext = 0
    /// The request that a task answers, so that it can be withdrawn while it waits.
    @TaskLocal static var ticket: Int?

    /// Makes an API without proxies.
    ///
    /// - Parameters:
    ///   - observe: Told of every change after it was made.
    ///   - persist: Given all proxies, as a body for `/populate`, before a change is answered.
    package init(
        plane: any ToxiproxyPlane, version: String,
        observe: @escaping @Sendable (ToxiproxyEvent) -> Void = { _ in },
        persist: (@Sendable (String) async -> Void)? = nil
    ) {
        self.plane = plane
        self.version = version
        self.observe = observe
        self.persist = persist
    }

    /// All proxies by name.
    package var proxies: [ProxyRecord] {
        self.records.values.sorted { Self.comesBefore($0.name, $1.name) }
    }

    /// Orders names by their bytes, as Go orders the keys of a map.
    private static func comesBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    // MARK: - Changes

    /// Makes a change behind those under way, and keeps its outcome.
    ///
    /// - Throws: What `body` throws; `.withdrawn` if nobody waits for its turn any more.
    func change<Result: Sendable>(
        _ body: () async throws(ToxiproxyError) -> Result
    ) async throws(ToxiproxyError) -> Result {
        if self.isChanging {
            let isTurn = await withCheckedContinuation { self.waiting.append((Self.ticket, $0)) }
            if !isTurn { throw .withdrawn }
        }
        self.isChanging = true
        let result: Swift.Result<Result, ToxiproxyError>
        do throws(ToxiproxyError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        if let persist = self.persist {
            await persist("[" + self.proxies.map(\.json).joined(separator: ",") + "]")
        }
        if self.waiting.isEmpty {
            self.isChanging = false
        } else {
            self.waiting.removeFirst().turn.resume(returning: true)
        }
        return try result.get()
    }

    /// How many changes wait for their turn.
    package var changesWaiting: Int { self.waiting.count }

    func makeTicket() -> Int {
        defer { self.ticketOfNext += 1 }
        return self.ticketOfNext
    }

    /// Gives up a change that waits for its turn; tells whether it did, since one that has begun goes on.
    func withdraw(_ ticket: Int) -> Bool {
        guard let index = self.waiting.firstIndex(where: { $0.ticket == ticket }) else {
            return false
        }
        self.waiting.remove(at: index).turn.resume(returning: false)
        return true
    }

    func tell(_ kind: ToxiproxyEvent.Kind, _ proxy: String, toxic: Toxic? = nil) {
        self.observe(ToxiproxyEvent(kind: kind, proxy: proxy, toxic: toxic?.name))
    }

    func record(_ name: String) throws(ToxiproxyError) -> ProxyRecord {
        guard let record = self.records[name] else { throw .proxyNotFound }
        return record
    }

    // MARK: - Starting and stopping

    /// What an address means.
    func resolve(_ listen: String) async throws(PlaneFailure) -> ListenAddress {
        if listen.hasPrefix("unix:"), listen.count > 5 {
            return .unix(path: String(listen.dropFirst(5)))
        }
        let parts = try ListenAddress.split(listen)
        if parts.host.isEmpty { return .tcp(host: nil, port: parts.port) }
        return .tcp(host: try await self.plane.address(of: parts.host), port: parts.port)
    }

    /// Makes a proxy accept.
    func start(_ record: inout ProxyRecord) async throws(ToxiproxyError) {
        let listen: ListenAddress
        do throws(PlaneFailure) {
            listen = try await self.resolve(record.listen)
        } catch {
            throw .plane(PlaneFailure("listen \(record.network.rawValue): \(error.reason)"))
        }
        let id = self.idOfNext
        self.idOfNext += 1
        let start = self.starts[record.name, default: 0]
        self.starts[record.name] = start + 1
        do throws(PlaneFailure) {
            record.listen = try await self.plane.open(
                PlaneProxy(
                    id: id, name: record.name, start: start, listen: listen,
                    upstream: record.upstream, network: record.network, tls: record.tls,
                    toxics: record.toxics))
        } catch {
            if error.isInput { throw .plane(error) }
            let place = if case .unix(let path) = listen { path } else { "\(listen)" }
            let network = record.network == .udp ? record.network.rawValue : listen.network
            throw .plane(PlaneFailure("listen \(network) \(place): \(error.reason)"))
        }
        record.running = id
    }

    func stop(_ record: inout ProxyRecord) async {
        guard let id = record.running else { return }
        record.running = nil
        await self.plane.close(id)
    }

    /// Puts a running proxy in the place of another that runs. If it cannot start, the old one goes on.
    func replace(
        _ old: ProxyRecord, by new: inout ProxyRecord
    ) async throws(ToxiproxyError) {
        var old = old
        if !self.mayCollide(old.listen, new.listen) {
            // The new one is open before the old one closes, so a failure costs no connection.
            try await self.start(&new)
            await self.stop(&old)
            return
        }
        await self.stop(&old)
        do throws(ToxiproxyError) {
            try await self.start(&new)
        } catch {
            // Should even the old address be taken by now, the proxy is what it then is: disabled.
            try? await self.start(&old)
            self.records[old.name] = old
            throw error
        }
    }

    /// Whether two addresses could not be bound at once.
    private func mayCollide(_ left: String, _ right: String) -> Bool {
        guard let left = try? ListenAddress.split(left), let right = try? ListenAddress.split(right)
        else { return left == right }
        return left.port == right.port
    }

    /// Makes toxics of what bodies say.
    func makeToxic(
        _ input: ToxicInput, for record: inout ProxyRecord
    ) throws(ToxiproxyError) -> Toxic {
        if record.toxics.contains(where: { $0.name == input.name }) { throw .toxicAlreadyExists }
        try record.network.check(input.type)
        let attributes = try input.readAttributes()
        try record.network.check(attributes)
        if record.network.isForAll(input.type) && input.toxicity != 1 {
            throw .shared(input.type, input.toxicity)
        }
        defer { self.toxicOfNext += 1 }
        let generation = record.generations[input.name, default: 0]
        record.generations[input.name] = generation + 1
        let toxic = Toxic(
            identity: self.toxicOfNext, name: input.name, generation: generation,
            writtenStream: input.writtenStream, stream: input.stream, toxicity: input.toxicity,
            attributes: attributes)
        record.toxics.append(toxic)
        return toxic
    }
}

/// Something that happened to the proxies.
package struct ToxiproxyEvent: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case proxyCreated = "proxy_created"
        case proxyUpdated = "proxy_updated"
        case proxyDeleted = "proxy_deleted"
        case toxicAdded = "toxic_added"
        case toxicUpdated = "toxic_updated"
        case toxicRemoved = "toxic_removed"
    }

    package let kind: Kind
    package let proxy: String
    package let toxic: String?
}
