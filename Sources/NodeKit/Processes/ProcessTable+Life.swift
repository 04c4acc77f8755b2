// Who ends processes from outside, and who is told what becomes of them.

extension ProcessTable {
    /// Ends the process of that name; `false` when there is none.
    public mutating func exit(named name: String, _ reason: ExitReason) -> Bool {
        guard let pid = self.noteWish(name, reason) else { return false }
        self.end(pid, reason)
        return true
    }

    /// Asks the process of that name to end, which one that traps exits does in its own way; `false` when there is
    /// none.
    public mutating func ask(named name: String, toEndWith reason: ExitReason) -> Bool {
        guard let pid = self.noteWish(name, reason) else { return false }
        if self.entries[pid]?.trapsExits == true {
            self.post(.exit(pid, reason), to: pid)
        } else {
            self.end(pid, reason)
        }
        return true
    }

    /// Lets the mail of the process of that name wait, or not any more; `false` when there is none.
    public mutating func suspend(named name: String, _ isSuspended: Bool) -> Bool {
        guard let pid = self.process(named: name) else { return false }
        if isSuspended { self.suspend(pid) } else { self.resume(pid) }
        return true
    }

    private mutating func noteWish(_ name: String, _ reason: ExitReason) -> PID? {
        guard let pid = self.names[name] else { return nil }
        self.note(.asked(reason), pid, name: name, parent: self.entries[pid]?.parent)
        return pid
    }

    mutating func note(
        _ kind: LifeEvent.Kind, _ pid: PID, name: String?, parent: PID?
    ) {
        if kind == .started, let name { self.generations[name, default: 0] += 1 }
        let event = self.event(kind, pid, name, parent)
        self.journal.note(event)
        for observer in self.observers { self.post(.life(event), to: observer) }
    }

    /// Tells a process of all others, and from now on of what becomes of them.
    mutating func addObserver(_ observer: PID) {
        for pid in self.living {
            guard let entry = self.entries[pid] else { continue }
            for kind in [LifeEvent.Kind.started] + (entry.isReady ? [.ready] : []) {
                let event = self.event(kind, pid, entry.name, entry.parent)
                self.post(.life(event), to: observer)
            }
        }
        self.observers.append(observer)
    }

    private func event(
        _ kind: LifeEvent.Kind, _ pid: PID, _ name: String?, _ parent: PID?
    ) -> LifeEvent {
        LifeEvent(
            kind: kind, pid: pid, name: name,
            generation: name.flatMap { self.generations[$0] } ?? 1,
            parent: parent, time: self.now)
    }

    var census: [ProcessRecord] {
        self.living.compactMap { pid in
            self.entries[pid].map { entry in
                ProcessRecord(
                    pid: pid, name: entry.name, parent: entry.parent,
                    mailboxCount: entry.mailbox.count, linkCount: entry.links.count,
                    openCallCount: entry.serving.count, isSuspended: entry.isSuspended)
            }
        }
    }
}
