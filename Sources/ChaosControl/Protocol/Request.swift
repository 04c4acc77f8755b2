import ChaosCore
import ChaosScenario

/// What one line from a client asks for.
package enum Request: Hashable, Sendable {
    /// Something that the run does.
    case command(Command)
    /// Events from now on.
    case subscribe
    /// Whether anybody listens, and in which version.
    case ping
}

extension Request {
    /// Reads a request from a JSON object.
    ///
    /// - Throws: `CommandError` that names the operation and the field.
    package init(json: JSONValue) throws(CommandError) {
        guard let object = json.objectValue else {
            throw CommandError(
                .badJSON, "a request is a JSON object, found '\(json.text.shortened)'",
                hint: "for example \(ControlOperation.status.example)")
        }
        let fields = try RequestFields(object)
        switch fields.operation {
        case .subscribe: self = .subscribe
        case .ping: self = .ping
        default: self = .command(try Command(fields))
        }
    }
}

extension Command {
    fileprivate init(_ fields: RequestFields) throws(CommandError) {
        switch fields.operation {
        case .partition:
            self = .partition(
                try fields.partition(), mode: try fields.mode(), ports: try fields.ports(),
                lease: try fields.lease())
        case .isolate:
            let nodes = try fields.words("nodes")
            let members = try fields.read("nodes") { () throws(InputError) in
                var members: [NodePattern] = []
                for node in nodes { members.append(try NodePattern(parsing: node)) }
                return members
            }
            self = .partition(
                .isolate(members), mode: try fields.mode(), ports: try fields.ports(),
                lease: try fields.lease())
        case .heal: self = .heal(try fields.injection())
        case .hold: self = .hold(try fields.links("links"), lease: try fields.lease())
        case .release: self = .release(try fields.selection(links: "links"))
        case .set:
            let words = try fields.words("faults")
            let parsed = try fields.read("faults") { () throws(InputError) in
                try FaultText.parse(words)
            }
            let link = try fields.required("link", try fields.text("link"))
            self = .set(
                try fields.read("link") { () throws(InputError) in try LinkPattern(parsing: link) },
                parsed, lease: try fields.lease())
        case .clear: self = .clear(try fields.selection(links: "link"))
        case .kill: self = .process(.kill, try fields.nodes())
        case .stop: self = .process(.stop, try fields.nodes())
        case .pause: self = .process(.pause, try fields.nodes())
        case .resume: self = .process(.resume, try fields.nodes())
        case .restart: self = .process(.restart, try fields.nodes())
        case .capture:
            let file = try fields.required("file", try fields.text("file"))
            self = .capture(
                try fields.links("links"), file: try fields.fileName(file),
                lease: try fields.lease())
        case .endCapture:
            self = .endCapture(
                try fields.required("capture", try fields.injection("capture")))
        case .end: self = .end
        case .status, .subscribe, .ping: self = .status(onlyBusy: try fields.onlyBusyLinks())
        }
    }
}

extension Command {
    /// The command as a request without an `id`.
    package var json: JSONObject {
        func texts(_ values: [some CustomStringConvertible]) -> JSONValue {
            .array(values.map { .string($0.description) })
        }
        var object: JSONObject
        var lease: Duration?
        switch self {
        case .partition(let partition, let mode, let ports, let time):
            object = ["op": "partition", "partition": .string(partition.description)]
            if let mode { object["mode"] = .string(mode.rawValue) }
            if !ports.isEmpty { object["ports"] = texts(ports) }
            lease = time
        case .heal(let id):
            object = ["op": "heal"]
            if let id { object["injection"] = .string(id.text) }
        case .hold(let links, let time):
            object = ["op": "hold", "links": texts(links)]
            lease = time
        case .release(let selection):
            object = ["op": "release"]
            selection.add(to: &object, links: "links")
        case .set(let link, let faults, let time):
            object = [
                "op": "set", "link": .string(link.description),
                "faults": texts(faults.map(\.text)),
            ]
            lease = time
        case .clear(let selection):
            object = ["op": "clear"]
            selection.add(to: &object, links: "link")
        case .process(let action, let nodes):
            object = ["op": .string(action.rawValue), "nodes": .array([.string(nodes.text)])]
        case .capture(let links, let file, let time):
            object = ["op": "capture", "links": texts(links), "file": .string(file)]
            lease = time
        case .endCapture(let id): object = ["op": "capture_end", "capture": .string(id.text)]
        case .status(let onlyBusy):
            object = ["op": "status"]
            if onlyBusy { object["links"] = "busy" }
        case .end: object = ["op": "end"]
        }
        if let lease { object["for"] = .string(lease.text) }
        return object
    }
}

extension InjectionSelection {
    fileprivate func add(to object: inout JSONObject, links key: String) {
        switch self {
        case .all: break
        case .injection(let id): object["injection"] = .string(id.text)
        case .links(let links): object[key] = .array(links.map { .string($0.description) })
        }
    }
}
