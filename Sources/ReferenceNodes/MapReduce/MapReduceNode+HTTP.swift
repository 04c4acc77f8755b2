import ChaosCore
import NodeKit

// The master over HTTP:
//
//     POST /jobs {fn, input}    -> 202 {job}      under a name of the client's with 'job': one that is sent again is one job
//     GET  /jobs/JOB            -> 200 {state: running | done | failed, attempts, counts or reason}

extension MapReduceNode {
    mutating func serve(_ request: HTTPRequest) -> [Effect] {
        switch (request.method, request.path.first, request.path.count) {
        case ("POST", "jobs", 1):
            let name = request.json?["job"]?.stringValue ?? self.freeName
            let answer = Effect.respond(to: request, 202, json: ["job": .string(name)])
            return self.accept(name, request.json ?? .null, answer)
                ?? [.respond(to: request, 400, "a job is JSON with \(MapReduceMaster.rule)\n")]
        case ("GET", "jobs", 2):
            guard let state = self.state(of: request.path[1]) else {
                return [.respond(to: request, 404, "there is no job '\(request.path[1])'\n")]
            }
            return [.respond(to: request, 200, json: .object(state))]
        default: return [.respond(to: request, 404, "Not Found\n")]
        }
    }

    /// A name that no job has, in this life or an earlier one.
    private var freeName: String {
        var number = self.master.jobs.count + 1
        let name = { "\(self.membership.life.start)-\(number)" }
        while self.master.jobs[name()] != nil { number += 1 }
        return name()
    }
}
