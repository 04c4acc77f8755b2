import ChaosCore
import NodeKit

// The observer over HTTP, for people and for programs:
//
//     GET  /observer                 a page that shows all of it, live
//     GET  /observer/tree            {node, at_us, tree, nodes}
//     GET  /observer/tree.txt        the tree as lines with branches
//     GET  /observer/processes       {processes: [{pid, name, mailbox, open_calls, links, restarts, suspended, answers}]}
//     GET  /observer/nodes           {n1: up, n2: unknown, …}
//     POST /observer/kill/PROCESS    ends the process of that name or pid; also suspend, resume

extension ProcessObserver {
    mutating func serve(_ request: HTTPRequest, _ context: inout ProcessContext) {
        switch (request.method, request.path) {
        case ("GET", []):
            context.answer(.respond(to: request, 302, headers: ["location": "/observer"]))
        case ("GET", ["observer"]):
            context.answer(
                .respond(
                    to: request, 200, ObserverPage.html,
                    headers: ["content-type": "text/html; charset=utf-8"]))
        case ("GET", ["observer", "tree"]): self.show(.tree, to: request.message, &context)
        case ("GET", ["observer", "tree.txt"]):
            context.answer(.respond(to: request, 200, self.shown.text))
        case ("GET", ["observer", "processes"]):
            self.show(.processes, to: request.message, &context)
        case ("GET", ["observer", "nodes"]):
            context.answer(.respond(to: request, 200, json: .object(self.nodes(context))))
        case ("POST", let path) where path.count == 3 && path[0] == "observer":
            self.order(path[1], path[2], request, &context)
        default: context.answer(.respond(to: request, 404, "Not Found\n"))
        }
    }

    private func order(
        _ verb: String, _ name: String, _ request: HTTPRequest, _ context: inout ProcessContext
    ) {
        // A page from elsewhere, in the same browser, must not kill anything here.
        if let origin = request.header("origin"), let host = request.header("host"),
            !origin.hasSuffix("//" + host)
        {
            let rule = "orders come from the observer's own page, found '\(origin)'\n"
            return context.answer(.respond(to: request, 403, rule))
        }
        guard let pid = self.process(named: name) else {
            return context.answer(
                .respond(to: request, 404, "there is no process '\(name)'\n"))
        }
        switch verb {
        case "kill": context.exit(pid, .killed)
        case "suspend" where pid != context.pid: context.suspend(pid)
        case "resume": context.resume(pid)
        default:
            let rule = "an order is one of kill, suspend, resume; the observer itself stays awake"
            return context.answer(.respond(to: request, 404, "\(rule), found '\(verb)'\n"))
        }
        context.answer(.respond(to: request, 200, "\(verb) \(pid)\n"))
    }
}
