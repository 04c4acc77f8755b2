// What crosses between processes, of one node or of two: the same in both cases but for the way.

extension ProcessTable {
    private var own: String { self.membership.id }

    /// Takes in a message of another node's table.
    public mutating func receive(_ message: Message) {
        guard let envelope = message[Self.member]?.objectValue else { return }
        var body = message.body
        body[Self.member] = nil
        // What had no type got this one for the way.
        if message.type == Self.member { body["type"] = nil }
        let target = ProcessAddress(json: envelope["to"], at: self.own).flatMap {
            self.resolve($0)
        }
        let number = envelope["ref"]?.intValue.map { UInt64(bitPattern: $0) }
        let sender = PID(json: envelope["from"]).flatMap { pid in
            number.map { Caller(pid: pid, reference: CallReference(number: $0)) }
        }
        let reason = envelope["exit"]?.stringValue.map { ExitReason($0) }
        switch envelope["op"]?.stringValue {
        case "cast":
            if let target { self.post(.cast(body), to: target) }
        case "call":
            guard let sender else { return }
            guard let target else { return self.answer(sender, .exited(.noProcess)) }
            self.admit(body, from: sender, to: target)
        case "answer":
            guard let number, let owner = PID(json: envelope["to"]) else { return }
            let reference = CallReference(number: number)
            guard self.calls[reference]?.owner == owner else { return }
            self.conclude(reference, reason.map { .exited($0) } ?? .reply(body))
        case "monitor":
            guard let sender else { return }
            guard let target else { return self.tellDown(sender, .noProcess) }
            self.watch(target, by: sender)
        case "demonitor":
            if let sender { self.unwatch(by: sender) }
        case "down":
            guard let number, let owner = PID(json: envelope["to"]) else { return }
            let reference = MonitorReference(number: number)
            guard self.monitors[reference]?.owner == owner else { return }
            self.fire(reference, reason ?? .noConnection)
        default: break
        }
    }

    mutating func cast(_ address: ProcessAddress, _ body: JSONObject) {
        if address.node == self.own {
            if let pid = self.resolve(address) { self.post(.cast(body), to: pid) }
        } else {
            self.send(["op": "cast", "to": address.json], body, to: address.node)
        }
    }

    mutating func call(_ address: ProcessAddress, _ body: JSONObject, _ caller: Caller) {
        if address.node == self.own {
            guard let pid = self.resolve(address) else {
                return self.conclude(caller.reference, .exited(.noProcess))
            }
            self.admit(body, from: caller, to: pid)
        } else {
            self.send(
                [
                    "op": "call", "to": address.json, "from": caller.pid.json,
                    "ref": caller.reference.json,
                ], body, to: address.node)
        }
    }

    mutating func answer(_ caller: Caller, _ outcome: CallOutcome) {
        if caller.pid.node == self.own { return self.conclude(caller.reference, outcome) }
        var envelope: JSONObject = [
            "op": "answer", "to": caller.pid.json, "ref": caller.reference.json,
        ]
        switch outcome {
        case .reply(let body): self.send(envelope, body, to: caller.pid.node)
        case .exited(let reason):
            envelope["exit"] = .string(reason.description)
            self.send(envelope, to: caller.pid.node)
        case .timeout: break
        }
    }

    /// Ends a call of a process of this node; later answers find nobody.
    mutating func conclude(_ reference: CallReference, _ outcome: CallOutcome) {
        guard let call = self.calls.removeValue(forKey: reference) else { return }
        self.post(.answer(reference, outcome), to: call.owner)
    }

    mutating func monitor(
        _ address: ProcessAddress, _ reference: MonitorReference, for owner: PID
    ) {
        let isLocal = address.node == self.own
        let target = isLocal ? self.resolve(address) : nil
        self.monitors[reference] = Monitor(owner: owner, address: address, target: target)
        if isLocal {
            if target == nil { self.fire(reference, .noProcess) }
        } else if !self.connected.contains(address.node) {
            self.fire(reference, .noConnection)
        } else {
            self.send(
                [
                    "op": "monitor", "to": address.json, "from": owner.json,
                    "ref": CallReference(number: reference.number).json,
                ], to: address.node)
        }
    }

    /// Ends a monitor with its one piece of mail.
    mutating func fire(_ reference: MonitorReference, _ reason: ExitReason) {
        guard let monitor = self.monitors.removeValue(forKey: reference) else { return }
        self.post(.down(reference, monitor.address, reason), to: monitor.owner)
    }

    /// Ends a monitor without a word.
    mutating func drop(_ reference: MonitorReference) {
        guard let monitor = self.monitors.removeValue(forKey: reference),
            monitor.address.node != self.own
        else { return }
        self.send(
            [
                "op": "demonitor", "from": monitor.owner.json,
                "ref": CallReference(number: reference.number).json,
            ], to: monitor.address.node)
    }

    mutating func tellDown(_ watcher: Caller, _ reason: ExitReason) {
        self.send(
            [
                "op": "down", "to": watcher.pid.json, "ref": watcher.reference.json,
                "exit": .string(reason.description),
            ], to: watcher.pid.node)
    }
}

extension CallReference {
    fileprivate var json: JSONValue { .int(Int64(bitPattern: self.number)) }
}

extension Dictionary where Key == CallReference {
    /// The entries in the order in which they were made.
    var inOrder: [(key: Key, value: Value)] { self.sorted { $0.key.number < $1.key.number } }
}

extension Dictionary where Key == MonitorReference {
    /// The entries in the order in which they were made.
    var inOrder: [(key: Key, value: Value)] { self.sorted { $0.key.number < $1.key.number } }
}
