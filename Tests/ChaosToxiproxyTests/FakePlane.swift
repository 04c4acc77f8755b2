import ChaosToxiproxy

/// Sockets that only exist on paper: they can be taken, and they write down what was asked of them.
actor FakePlane: ToxiproxyPlane {
    /// What is open, by number.
    private(set) var open: [Int: PlaneProxy] = [:]
    /// What was asked, in order.
    private(set) var log: [String] = []
    private var bound: [Int: String] = [:]
    private var taken: Set<UInt16> = []
    private var nextPort: UInt16 = 40_001
    private var isHolding = false
    private var held: [CheckedContinuation<Void, Never>] = []

    func take(_ port: UInt16) { self.taken.insert(port) }

    /// Lets no open return before ``release()``.
    func hold() { self.isHolding = true }

    func release() {
        self.isHolding = false
        for continuation in self.held { continuation.resume() }
        self.held = []
    }

    var holds: Int { self.held.count }

    func address(of host: String) throws(PlaneFailure) -> String {
        switch host {
        case "localhost": return "127.0.0.1"
        case "0.0.0.0", "::", "::1", "127.0.0.1", "127.0.0.2", "10.1.2.3": return host
        case "0:0::1": return "::1"
        default: throw PlaneFailure("lookup \(host): no such host")
        }
    }

    func open(_ proxy: PlaneProxy) async throws(PlaneFailure) -> String {
        if self.isHolding { await withCheckedContinuation { self.held.append($0) } }
        guard case .tcp(let host, var port) = proxy.listen else {
            self.open[proxy.id] = proxy
            return "\(proxy.listen)"
        }
        if host == "10.1.2.3" { throw PlaneFailure("bind: cannot assign requested address") }
        if port == 0 {
            port = self.nextPort
            self.nextPort += 1
        }
        let isEvery = host == nil || host == "0.0.0.0" || host == "::"
        let text = "\(ListenAddress.tcp(host: isEvery ? "::" : host, port: port))"
        if self.taken.contains(port) || self.bound.values.contains(text) {
            throw PlaneFailure("bind: address already in use")
        }
        self.open[proxy.id] = proxy
        self.bound[proxy.id] = text
        self.log.append("open \(proxy.name) \(text) -> \(proxy.upstream)")
        return text
    }

    func close(_ id: Int) {
        let name = self.open.removeValue(forKey: id)?.name ?? "?"
        self.bound[id] = nil
        self.log.append("close \(name)")
    }

    func apply(_ toxics: [Toxic], to id: Int) {
        let name = self.open[id]?.name ?? "?"
        self.log.append("apply \(name) \(toxics.map { "\($0.name)#\($0.revision)" })")
    }
}
