// What may be asked about proxies.

extension Toxiproxy {
    func create(_ body: [UInt8]) async throws(ToxiproxyError) -> ProxyRecord {
        let input = try ProxyInput(try Self.read(body))
        if input.name.isEmpty { throw .missing("name") }
        if input.upstream.isEmpty { throw .missing("upstream") }
        return try await self.change { () throws(ToxiproxyError) in
            if self.records[input.name] != nil { throw .proxyAlreadyExists }
            var record = try self.makeRecord(input)
            if input.enabled { try await self.start(&record) }
            self.records[record.name] = record
            self.tell(.proxyCreated, record.name)
            return record
        }
    }

    func update(_ name: String, _ body: [UInt8]) async throws(ToxiproxyError) -> ProxyRecord {
        _ = try self.record(name)
        let json = try Self.read(body)
        return try await self.change { () throws(ToxiproxyError) in
            let old = try self.record(name)
            let input = try ProxyInput(
                json, listen: old.listen, upstream: old.upstream, enabled: old.isEnabled,
                network: old.network, tls: old.tls)
            if input.network != old.network {
                throw ToxiproxyError(
                    "a proxy's network cannot be changed: delete it and make another", 400)
            }
            try old.network.check(listen: input.listen, upstream: input.upstream, tls: input.tls)
            var new = old
            if try await self.differs(old, from: input) {
                (new.listen, new.upstream) = (input.listen, input.upstream)
                new.tls = input.tls
                if old.isEnabled && input.enabled {
                    try await self.replace(old, by: &new)
                } else if old.isEnabled {
                    await self.stop(&new)
                } else if input.enabled {
                    try await self.start(&new)
                }
            } else if input.enabled && !old.isEnabled {
                try await self.start(&new)
            } else if !input.enabled {
                await self.stop(&new)
            }
            self.records[name] = new
            self.tell(.proxyUpdated, name)
            return new
        }
    }

    func delete(_ name: String) async throws(ToxiproxyError) {
        try await self.change { () throws(ToxiproxyError) in
            var record = try self.record(name)
            self.records[name] = nil
            await self.stop(&record)
            self.tell(.proxyDeleted, name)
        }
    }

    /// Enables every proxy and takes all toxics away. A proxy that cannot start keeps the others from
    /// nothing.
    func reset() async throws(ToxiproxyError) {
        try await self.change { () throws(ToxiproxyError) in
            var failure: ToxiproxyError?
            for proxy in self.proxies {
                var record = proxy
                if !record.isEnabled {
                    do throws(ToxiproxyError) {
                        try await self.start(&record)
                    } catch {
                        failure = failure ?? error
                        continue
                    }
                    self.tell(.proxyUpdated, record.name)
                }
                let removed = record.toxics
                record.toxics = []
                if let id = record.running, !removed.isEmpty { await self.plane.apply([], to: id) }
                self.records[record.name] = record
                for toxic in removed { self.tell(.toxicRemoved, record.name, toxic: toxic) }
            }
            if let failure { throw failure }
        }
    }

    /// Whether an update asks for another address or another target.
    private func differs(
        _ record: ProxyRecord, from input: ProxyInput
    ) async throws(ToxiproxyError) -> Bool {
        do throws(PlaneFailure) {
            let listen = try await self.resolve(input.listen)
            return record.listen != listen.description || record.upstream != input.upstream
                || record.network != input.network || record.tls != input.tls
        } catch { throw .plane(error) }
    }

    private func makeRecord(_ input: ProxyInput) throws(ToxiproxyError) -> ProxyRecord {
        var record = ProxyRecord(
            name: input.name, listen: input.listen, upstream: input.upstream, tls: input.tls)
        record.network = input.network
        try record.network.check(listen: input.listen, upstream: input.upstream, tls: input.tls)
        for toxic in input.toxics { _ = try self.makeToxic(try ToxicInput(toxic), for: &record) }
        return record
    }

    static func read(_ body: [UInt8]) throws(ToxiproxyError) -> GoJSON {
        do throws(GoJSONError) { return try GoJSON(firstOf: body) } catch { throw .badBody(error) }
    }

    // MARK: - Many at once

    /// What `/populate` came to: all that was done before the first failure.
    package struct Populated: Sendable {
        package var proxies: [ProxyRecord] = []
        package var failure: ToxiproxyError?
    }

    /// Makes proxies, or makes those there are as they should be. What is as it should be stays
    /// untouched, with its toxics and connections.
    package func populate(_ body: [UInt8]) async -> Populated {
        var populated = Populated()
        do throws(ToxiproxyError) {
            let inputs = try Self.readList(body)
            populated = try await self.change { () throws(ToxiproxyError) in
                var done = Populated()
                do throws(ToxiproxyError) {
                    for input in inputs { done.proxies.append(try await self.put(input)) }
                } catch { done.failure = error }
                return done
            }
        } catch { populated.failure = error }
        return populated
    }

    /// Makes the proxies that were kept in a file. One that cannot start again is there all the same,
    /// disabled, and keeps none of the others from it.
    ///
    /// - Returns: Why proxies could not start, by their names.
    /// - Throws: `ToxiproxyError` when the file is no list of proxies; then nothing was made.
    package func restore(
        _ body: [UInt8]
    ) async throws(ToxiproxyError) -> [(name: String, failure: ToxiproxyError)] {
        let inputs = try Self.readList(body)
        return try await self.change { () throws(ToxiproxyError) in
            var failures: [(name: String, failure: ToxiproxyError)] = []
            for var input in inputs {
                do throws(ToxiproxyError) {
                    _ = try await self.put(input)
                } catch {
                    failures.append((input.name, error))
                    input.enabled = false
                    _ = try? await self.put(input)
                }
            }
            return failures
        }
    }

    private static func readList(_ body: [UInt8]) throws(ToxiproxyError) -> [ProxyInput] {
        let json = try Self.read(body)
        var inputs: [ProxyInput] = []
        switch json {
        case .null: return []
        case .array(let elements):
            for element in elements { inputs.append(try ProxyInput(element)) }
        default:
            throw .badBody(
                GoJSONError(
                    "json: cannot unmarshal \(json.kind) into Go value of type []toxiproxy.Proxy"))
        }
        for (index, input) in inputs.enumerated() {
            if input.name.isEmpty { throw .missing("name at proxy \(index + 1)") }
            if input.upstream.isEmpty { throw .missing("upstream at proxy \(index + 1)") }
        }
        return inputs
    }

    private func put(_ input: ProxyInput) async throws(ToxiproxyError) -> ProxyRecord {
        let old = self.records[input.name]
        if let old, try await !self.differs(old, from: input) { return old }
        var new = try self.makeRecord(input)
        if let old, old.isEnabled, input.enabled {
            try await self.replace(old, by: &new)
        } else {
            if input.enabled { try await self.start(&new) }
            if var old { await self.stop(&old) }
        }
        self.records[new.name] = new
        self.tell(old == nil ? .proxyCreated : .proxyUpdated, new.name)
        return new
    }
}
