// From requests to answers.

extension Toxiproxy {
    /// Answers a request, or says once the limit has passed that it is not done: then it will not be
    /// if it had not begun, and otherwise goes on.
    ///
    /// - Parameter limit: Returns when the answer is due.
    package nonisolated func answer(
        _ request: ToxiproxyRequest, limit: @escaping @Sendable () async -> Void
    ) async -> ToxiproxyResponse {
        let (answers, answer) = AsyncStream<ToxiproxyResponse>.makeStream()
        let ticket = await self.makeTicket()
        Task {
            await Self.$ticket.withValue(ticket) {
                answer.yield(await self.answer(request))
            }
        }
        let timer = Task {
            await limit()
            // Who is withdrawn answers that himself.
            let isWithdrawn = await self.withdraw(ticket)
            if !isWithdrawn { answer.yield(.error(.underWay)) }
        }
        defer { timer.cancel() }
        for await first in answers { return first }
        return .error(.underWay)
    }

    /// Answers a request.
    package nonisolated func answer(_ request: ToxiproxyRequest) async -> ToxiproxyResponse {
        var response: ToxiproxyResponse
        switch ToxiproxyRoute.match(method: request.method, target: request.target) {
        case .notFound:
            response = .plain(404, "404 page not found")
            response.isRouted = false
        case .methodNotAllowed:
            response = ToxiproxyResponse(405)
            response.isRouted = false
        case .redirect(let location):
            response = ToxiproxyResponse(301, [("Location", location)])
            response.isRouted = false
        case .route(let route):
            // Keeps pages in browsers from steering the proxies of the machine they run on.
            if let agent = request.userAgent, agent.hasPrefix("Mozilla/") {
                return .plain(403, "User agent not allowed")
            }
            do throws(ToxiproxyError) {
                return try await self.answer(route, request.body)
            } catch { return .error(error) }
        }
        return response
    }

    private func answer(
        _ route: ToxiproxyRoute, _ body: [UInt8]
    ) async throws(ToxiproxyError) -> ToxiproxyResponse {
        switch route {
        case .version:
            return ToxiproxyResponse(
                200, [("Content-Type", "application/json;charset=utf-8")],
                "{\"version\": \"\(self.version)\"}\n")
        case .listProxies:
            let members = self.proxies.map { GoText.quoted($0.name) + ":" + $0.json }
            return .json(200, "{" + members.joined(separator: ",") + "}")
        case .createProxy: return .json(201, try await self.create(body).json)
        case .showProxy(let name): return .json(200, try self.record(name).json)
        case .updateProxy(let name): return .json(200, try await self.update(name, body).json)
        case .deleteProxy(let name):
            try await self.delete(name)
            return .noContent
        case .populate: return Self.answer(await self.populate(body))
        case .reset:
            try await self.reset()
            return .noContent
        case .listToxics(let proxy):
            return .json(200, ProxyRecord.json(try self.record(proxy).shownToxics))
        case .createToxic(let proxy):
            return .json(200, try await self.addToxic(to: proxy, body).json)
        case .showToxic(let proxy, let name):
            return .json(200, try self.toxic(name, of: proxy).json)
        case .updateToxic(let proxy, let name):
            return .json(200, try await self.updateToxic(name, of: proxy, body).json)
        case .deleteToxic(let proxy, let name):
            try await self.removeToxic(name, of: proxy)
            return .noContent
        }
    }

    /// Errors of `/populate` come as JSON, with what was done before.
    private static func answer(_ populated: Populated) -> ToxiproxyResponse {
        let list = populated.proxies.map(\.json).joined(separator: ",")
        // Upstream says null for none, at which clients stumble that go through them; errors still do.
        let isNull = populated.proxies.isEmpty && populated.failure != nil
        let proxies = "\"proxies\":" + (isNull ? "null" : "[\(list)]")
        guard let failure = populated.failure else { return .json(201, "{\(proxies)}") }
        return .json(failure.status, "{\(failure.members),\(proxies)}")
    }
}
