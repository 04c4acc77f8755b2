/// The operations of the control protocol, by the word that a request has in `op`.
package enum ControlOperation: String, CaseIterable, Sendable {
    case partition, isolate, heal, hold, release, set, clear
    case kill, stop, pause, resume, restart
    case capture
    case endCapture = "capture_end"
    case status, subscribe, ping, end

    /// The fields that a request may have beside `id` and `op`.
    package var fields: [String] {
        switch self {
        case .partition: ["partition", "mode", "ports", "for"]
        case .isolate: ["nodes", "mode", "ports", "for"]
        case .heal: ["injection"]
        case .hold: ["links", "for"]
        case .release: ["injection", "links"]
        case .set: ["link", "faults", "for"]
        case .clear: ["injection", "link"]
        case .kill, .stop, .pause, .resume, .restart: ["nodes"]
        case .capture: ["links", "file", "for"]
        case .endCapture: ["capture"]
        case .status: ["links"]
        case .subscribe, .ping, .end: []
        }
    }

    /// A request that works, for hints.
    package var example: String {
        switch self {
        case .partition: #"{"op":"partition","partition":"n1 / n2 n3","mode":"drop","for":"10s"}"#
        case .isolate: #"{"op":"isolate","nodes":["n2"],"for":"10s"}"#
        case .heal: #"{"op":"heal","injection":"p1"}"#
        case .hold: #"{"op":"hold","links":["n1->n2"]}"#
        case .release: #"{"op":"release","links":["n1->n2"]}"#
        case .set: #"{"op":"set","link":"n1->n2","faults":["delay=100ms,10ms","loss=5%"]}"#
        case .clear: #"{"op":"clear","injection":"f1"}"#
        case .kill, .stop, .pause, .resume, .restart:
            "{\"op\":\"\(self.rawValue)\",\"nodes\":[\"n1\"]}"
        case .capture: #"{"op":"capture","links":["n1->n2"],"file":"n1.pcapng"}"#
        case .endCapture: #"{"op":"capture_end","capture":"c1"}"#
        case .status, .subscribe, .ping, .end: "{\"op\":\"\(self.rawValue)\"}"
        }
    }
}
