import ChaosProxy

/// What carries the traffic: the best driver there is, and beside it the one that speaks TLS, once
/// somebody needs it.
actor DataPlanes {
    nonisolated let plain: Proxy
    private let makeSecure: @Sendable () async throws -> Proxy
    private var secure: Task<Proxy, any Error>?
    private var isClosed = false

    init(plain: Proxy, makeSecure: @escaping @Sendable () async throws -> Proxy) {
        self.plain = plain
        self.makeSecure = makeSecure
    }

    /// The proxy for a listener.
    func proxy(isSecure: Bool) async throws -> Proxy {
        if !isSecure || self.plain.driverKind == .nio { return self.plain }
        if self.isClosed { throw PlanesClosed() }
        let making = self.secure ?? Task { [makeSecure] in try await makeSecure() }
        self.secure = making
        return try await making.value
    }

    func close() async {
        self.isClosed = true
        await self.plain.close()
        if let secure = try? await self.secure?.value { await secure.close() }
    }
}

private struct PlanesClosed: Error, CustomStringConvertible {
    let description = "the proxy is closed"
}
