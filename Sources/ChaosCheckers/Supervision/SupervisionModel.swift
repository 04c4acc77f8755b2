import ChaosCore

/// The supervisors of a tree, each with what it has to do next.
struct SupervisionModel {
    private let root: SupervisionTree
    private let waitsForReady: Bool
    private var trees: [String: SupervisionTree] = [:]
    private var parents: [String: (name: String, child: Int)] = [:]
    private var lives: [String: SupervisorLife] = [:]
    /// Who was asked to end from outside of the tree.
    private var asked: [String: Instant] = [:]
    /// Who is up although its supervisor has ended.
    private var orphans: [String] = []
    private(set) var found: [(name: String, line: String)] = []
    private(set) var endCount = 0
    private(set) var restartCount = 0
    /// How often a supervisor had to give up.
    private(set) var escalationCount = 0

    /// Makes a model of a tree that is not up yet.
    ///
    /// - Parameters:
    ///   - isRootSeen: Whether the trace tells of the root itself; otherwise it is up.
    ///   - waitsForReady: Whether the trace tells when processes have begun.
    init(_ root: SupervisionTree, isRootSeen: Bool, waitsForReady: Bool) {
        self.root = root
        self.waitsForReady = waitsForReady
        self.add(root)
        if !isRootSeen {
            self.lives[root.name] = SupervisorLife(root, waitsForReady: waitsForReady, at: .start)
        }
    }

    private mutating func add(_ tree: SupervisionTree) {
        self.trees[tree.name] = tree
        for (index, child) in tree.children.enumerated() {
            self.parents[child.name] = (tree.name, index)
            if let inner = child.tree { self.add(inner) }
        }
    }

    /// Whether a process of this name belongs to the tree.
    func knows(_ name: String) -> Bool {
        self.parents[name] != nil || self.trees[name] != nil
    }

    mutating func started(_ name: String, pid: JSONValue, at time: Instant) {
        if let place = self.orphans.firstIndex(of: name) {
            self.orphans.remove(at: place)
            self.found.append(
                (
                    "orphan",
                    "\(name) was up without its supervisor when it was started again"
                        + " at \(moment(time))"
                ))
        }
        if let tree = self.trees[name] {
            self.lives[name] = SupervisorLife(
                tree, waitsForReady: self.waitsForReady, at: time)
        }
        guard let parent = self.parents[name] else { return }
        if self.lives[parent.name] == nil {
            let line = "\(name) was started without \(parent.name) at \(moment(time))"
            return self.found.append(("orphan", line))
        }
        self.lives[parent.name]?.started(parent.child, pid: pid, at: time)
    }

    mutating func isReady(_ name: String, at time: Instant) {
        guard let parent = self.parents[name] else { return }
        self.lives[parent.name]?.isReady(parent.child, at: time)
    }

    /// Somebody outside of the tree ends a process, or asks it to end.
    mutating func asked(_ name: String, at time: Instant) {
        self.asked[name] = self.asked[name] ?? time
    }

    mutating func terminated(_ name: String, reason: String, at time: Instant) {
        defer { self.asked[name] = nil }
        var isOwnEnd = false
        if var life = self.lives[name], self.trees[name] != nil {
            self.lives[name] = nil
            let isAsked = self.askedSince(name, now: time) != nil
            // What its own supervisor asked for is no end of its own.
            isOwnEnd = !isAsked || self.asked[name] != nil
            if life.fate == nil, !isAsked {
                let line = "\(name) ended at \(moment(time)) without need: \(reason)"
                self.found.append(("early-escalation", line))
            }
            for (index, pid) in life.pids.enumerated() where pid != nil {
                self.orphans.append(life.tree.children[index].name)
            }
            self.collect(&life)
        }
        if let place = self.orphans.firstIndex(of: name) {
            self.orphans.remove(at: place)
            return
        }
        guard let parent = self.parents[name] else { return }
        let asked = self.askedSince(parent.name, now: time)
        self.lives[parent.name]?.terminated(
            parent.child, reason: reason, asked: asked, isOwnEnd: isOwnEnd, at: time)
    }

    /// Since when a supervisor is asked to end, if it is: by somebody outside, by its own, or because that has ended.
    private func askedSince(_ name: String, now: Instant) -> Instant? {
        let inside = self.askedInside(name, now: now)
        guard let outside = self.asked[name] else { return inside }
        return min(outside, inside ?? outside)
    }

    private func askedInside(_ name: String, now: Instant) -> Instant? {
        if self.orphans.contains(name) { return now }
        guard let parent = self.parents[name] else { return nil }
        guard let life = self.lives[parent.name] else { return now }
        if life.steps.first == .stop(parent.child) { return life.due }
        // Its own may be asked, and have begun with it.
        return life.fate == nil
            ? self.askedSince(parent.name, now: now).map { max($0, life.due) } : nil
    }

    /// Takes over what one life came to.
    private mutating func collect(_ life: inout SupervisorLife) {
        self.found += life.found
        self.endCount += life.endCount
        self.restartCount += life.restartCount
        if life.fate == .tooManyRestarts { self.escalationCount += 1 }
    }

    /// Ends the trace.
    ///
    /// - Parameter isWhole: Whether nothing happened after its last event.
    mutating func finish(at time: Instant, isWhole: Bool) {
        for name in self.lives.keys.sorted() {
            guard var life = self.lives[name] else { continue }
            if isWhole { life.finish(at: time, isRoot: self.parents[name] == nil) }
            self.collect(&life)
        }
        if !isWhole { return }
        for name in self.orphans {
            let line = "\(name) is up at \(moment(time)), and its supervisor has ended"
            self.found.append(("orphan", line))
        }
    }
}
