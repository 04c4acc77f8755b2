import ChaosControl
import ChaosCore

extension FuzzTarget {
    /// Lines of the control protocol, in both directions.
    static let control = FuzzTarget(
        "control", "requests, replies and events of the control socket",
        seeds: ControlOperation.allCases.map(\.example) + [
            #"{"id":2,"op":"partition","partition":[["n1"],["n2","n3"]],"mode":"drop","ports":["peer"],"for":"10s"}"#,
            #"{"id":"x","op":"isolate","nodes":["n1..n3"],"mode":"reject"}"#,
            #"{"op":"heal","injection":"p1"}"#, #"{"op":"release","links":["n1->n2"]}"#,
            #"{"op":"set","link":"n1<->n2:peer","faults":["delay=100ms,10ms","loss=5%"],"for":"30s"}"#,
            #"{"op":"clear","link":"*->n3"}"#, #"{"op":"kill","nodes":"n1"}"#,
            #"{"id":8,"ok":true,"result":{"run":{"name":"demo","seed":42,"elapsed":12.0,"dir":"runs/x"},"nodes":[{"name":"n1","state":"running","pid":100,"restarts":0,"ports":{"client":{"listen":"127.77.1.1:7000","proxied":"127.77.0.1:7000"}}}],"links":[{"link":"n1->n2:peer","connections":1,"bytes":1200,"messages":12,"state":"cut","faults":[{"id":"f1","text":"delay 100ms","hits":0,"touched":0,"wins":true}]}],"partitions":[{"id":"p2","text":"isolate n2","mode":"reject","since":12.0,"until":null,"crossed_bytes":0}],"injections":[],"workload":{"kind":"echo","ok":17}}}"#,
            #"{"id":11,"ok":false,"error":{"code":"unknown-op","message":"no","hint":"yes"}}"#,
            #"{"event":"injected","at":12.0,"id":"p1","kind":"partition","text":"n1 / n2","mode":"drop","links":["n1->n2","n2->n1"],"origin":"control","since":12.0,"until":22.0}"#,
            #"{"event":"node","at":1.5,"node":{"name":"n1","state":"died","pid":null,"restarts":1,"ports":{}},"reason":"exit"}"#,
        ]
    ) { bytes in
        guard let json = try? JSONValue(parsing: bytes) else { return }
        try readRequest(json)
        if let reply = Reply(json: json) {
            _ = reply.json.text
            if case .success(let result) = reply.outcome { try readStatus(result) }
        }
        if let event = RunEvent(json: json) {
            let again = RunEvent(json: event.json)
            try requireSame(again?.json.text, event.json.text, "an event, written and read again")
        }
    }

    private static func readRequest(_ json: JSONValue) throws {
        do {
            guard case .command(let command) = try Request(json: json) else { return }
            // Written once, names are parted as everywhere; from then on nothing changes.
            let written = try rewritten(JSONValue.object(command.json))
            try requireSame(try rewritten(written).text, written.text, "a request, written twice")
        } catch let error as CommandError {
            try require(!error.message.isEmpty, "an error has no message")
        }
    }

    /// A command as it is written after it was read.
    private static func rewritten(_ json: JSONValue) throws -> JSONValue {
        do {
            if case .command(let command) = try Request(json: json) { return .object(command.json) }
            throw FuzzFailure("a command is written as something else: \(json.text)")
        } catch let error as CommandError {
            throw FuzzFailure("what was written is refused: \(json.text): \(error)")
        }
    }

    private static func readStatus(_ json: JSONValue) throws {
        guard let status = try? RunStatus(json: json) else { return }
        let again = try RunStatus(json: status.json)
        try requireSame(again.json.text, status.json.text, "a status, written and read again")
    }
}
