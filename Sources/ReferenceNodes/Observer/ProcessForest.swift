import ChaosCore
import NodeKit

/// The living processes of a node as a tree, kept by what it is told of starts and ends.
struct ProcessForest: Sendable {
    private struct Entry {
        let name: String
        let parent: PID?
        var isReady: Bool
    }

    private var entries: [PID: Entry] = [:]
    /// The processes in the order in which they began.
    private var order: [PID] = []
    /// How many processes had each name.
    private var generations: [String: Int] = [:]

    mutating func note(_ event: LifeEvent) {
        switch event.kind {
        case .started:
            let name = event.name ?? ""
            self.entries[event.pid] = Entry(name: name, parent: event.parent, isReady: false)
            self.order.append(event.pid)
            self.generations[name] = event.generation
        case .ready: self.entries[event.pid]?.isReady = true
        case .asked: break
        case .terminated:
            self.entries[event.pid] = nil
            self.order.removeAll { $0 == event.pid }
        }
    }

    /// How often a process of this name was started again.
    func restarts(of name: String) -> Int { self.generations[name, default: 1] - 1 }

    /// The process that is written so, or has this name.
    func pid(named text: String) -> PID? {
        self.order.first { $0.description == text || self.entries[$0]?.name == text }
    }

    /// One line of a drawing: a process, and how deep it stands.
    struct Line: Hashable, Sendable {
        let pid: PID
        let name: String
        let depth: Int
        /// The place of its parent among the lines.
        let parent: Int?
        let restarts: Int
        let isReady: Bool
    }

    /// All processes from the roots down, children in the order in which they began.
    var lines: [Line] {
        var lines: [Line] = []
        for pid in self.order {
            // A process whose parent has ended stands on its own, so that it is seen.
            let parent = self.entries[pid]?.parent
            if parent == nil || parent.flatMap({ self.entries[$0] }) == nil {
                self.add(pid, depth: 0, parent: nil, to: &lines)
            }
        }
        return lines
    }

    private func add(_ pid: PID, depth: Int, parent: Int?, to lines: inout [Line]) {
        guard let entry = self.entries[pid] else { return }
        let place = lines.count
        lines.append(
            Line(
                pid: pid, name: entry.name, depth: depth, parent: parent,
                restarts: self.restarts(of: entry.name), isReady: entry.isReady))
        for child in self.order where self.entries[child]?.parent == pid {
            self.add(child, depth: depth + 1, parent: place, to: &lines)
        }
    }

    /// The tree as lines with branches.
    var text: String {
        self.lines.map { line in
            let indent = String(repeating: "   ", count: max(0, line.depth - 1))
            let branch = line.depth == 0 ? "" : indent + "└─ "
            let again = line.restarts == 0 ? "" : "  restarted \(line.restarts)×"
            return "\(branch)\(line.name) \(line.pid)\(again)\n"
        }.joined()
    }

    /// `[{name, pid, restarts, ready, children: […]}, …]`, one for each root.
    var json: JSONValue {
        let lines = self.lines
        func value(_ place: Int) -> JSONValue {
            let line = lines[place]
            let children = lines.indices.filter { lines[$0].parent == place }
            return [
                "name": .string(line.name), "pid": .string(line.pid.description),
                "restarts": .int(Int64(line.restarts)), "ready": .bool(line.isReady),
                "children": .array(children.map { value($0) }),
            ]
        }
        return .array(lines.indices.filter { lines[$0].parent == nil }.map { value($0) })
    }
}
