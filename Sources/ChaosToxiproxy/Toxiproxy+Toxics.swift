// What may be asked about toxics.

extension Toxiproxy {
    func toxic(_ name: String, of proxy: String) throws(ToxiproxyError) -> Toxic {
        guard let toxic = try self.record(proxy).toxics.first(where: { $0.name == name }) else {
            throw .toxicNotFound
        }
        return toxic
    }

    func addToxic(to proxy: String, _ body: [UInt8]) async throws(ToxiproxyError) -> Toxic {
        _ = try self.record(proxy)
        let input = try ToxicInput(try Self.read(body))
        return try await self.change { () throws(ToxiproxyError) in
            var record = try self.record(proxy)
            let toxic = try self.makeToxic(input, for: &record)
            await self.put(record)
            self.tell(.toxicAdded, proxy, toxic: toxic)
            return toxic
        }
    }

    func updateToxic(
        _ name: String, of proxy: String, _ body: [UInt8]
    ) async throws(ToxiproxyError) -> Toxic {
        _ = try self.toxic(name, of: proxy)
        let json = try Self.read(body)
        return try await self.change { () throws(ToxiproxyError) in
            var toxic = try self.toxic(name, of: proxy)
            var record = try self.record(proxy)
            try Self.merge(json, into: &toxic, on: record.network)
            toxic.revision += 1
            for index in record.toxics.indices where record.toxics[index].name == name {
                record.toxics[index] = toxic
            }
            await self.put(record)
            self.tell(.toxicUpdated, proxy, toxic: toxic)
            return toxic
        }
    }

    /// Reads all of a body before anything of it counts.
    private static func merge(
        _ body: GoJSON, into toxic: inout Toxic, on network: ProxyNetwork
    ) throws(ToxiproxyError) {
        var attributes = GoJSON.null
        var toxicity = toxic.toxicity
        do throws(GoJSONError) {
            try body.forEachField(of: "struct") { key, value throws(GoJSONError) in
                if key == "attributes" { attributes = value }
                if key == "toxicity" { toxicity = try value.float(".toxicity") }
            }
        } catch { throw .badBody(error) }
        if network.isForAll(toxic.type) && toxicity != 1 { throw .shared(toxic.type, toxicity) }
        try toxic.attributes.merge(attributes)
        toxic.toxicity = toxicity
    }

    func removeToxic(_ name: String, of proxy: String) async throws(ToxiproxyError) {
        try await self.change { () throws(ToxiproxyError) in
            let toxic = try self.toxic(name, of: proxy)
            var record = try self.record(proxy)
            record.toxics.removeAll { $0.identity == toxic.identity }
            await self.put(record)
            self.tell(.toxicRemoved, proxy, toxic: toxic)
        }
    }

    /// Keeps a proxy whose toxics changed.
    private func put(_ record: ProxyRecord) async {
        if let id = record.running { await self.plane.apply(record.toxics, to: id) }
        self.records[record.name] = record
    }
}
