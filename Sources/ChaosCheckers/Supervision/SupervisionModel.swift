import ChaosCore

/// The supervisors of a tree, each with what it has to do next.
struct SupervisionModel {
    private let root: SupervisionTree
    private let waitsForReady: Bool
    private var trees: [String: SupervisionTree] = [:]
    /// Their names, each behind its supervisor's.
    private var order: [String] = []
    private var parents: [String: (name: String, child: Int)] = [:]
    private var lives: [String: SupervisorLife] = [:]
    /// Who was asked to end from outside of the tree.
    private var asked: [String: Instant] = [:]
    /// Who is up although its supervisor has ended, and since when.
    private var orphans: [String: Instant] = [:]
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
        self.order.append(tree.name)
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
        if self.orphans.removeValue(forKey: name) != nil {
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
        self.tellWhoIsAsked(now: time)
        defer { self.asked[name] = nil }
        var isOwnEnd = false
        if var life = self.lives[name], self.trees[name] != nil {
            self.lives[name] = nil
            let isAsked = self.hasHeard(name, at: time)
            // What its own supervisor asked for is no end of its own.
            isOwnEnd = !isAsked || self.asked[name] != nil
            if life.fate == nil, !isAsked {
                let line = "\(name) ended at \(moment(time)) without need: \(reason)"
                self.found.append(("early-escalation", line))
            }
            for (index, pid) in life.pids.enumerated() where pid != nil {
                self.orphans[life.tree.children[index].name] = time
            }
            self.collect(&life)
        }
        if self.orphans.removeValue(forKey: name) != nil { return }
        guard let parent = self.parents[name] else { return }
        let isStop = (reason == "shutdown" || reason == "killed") && !isOwnEnd
        if isStop, self.lives[parent.name]?.mayBegin(with: parent.child, at: time) == true,
            self.hasHeard(parent.name, at: time)
        {
            self.lives[parent.name]?.begin(at: time)
        }
        self.lives[parent.name]?.terminated(
            parent.child, reason: reason, isStop: isStop, at: time)
    }

    /// Tells supervisors that they are asked to end, their supervisors before them.
    private mutating func tellWhoIsAsked(now: Instant) {
        for name in self.order {
            guard self.lives[name] != nil, let asked = self.askedSince(name) else { continue }
            self.lives[name]?.asked(at: asked, now: now)
        }
    }

    /// Since when a supervisor is asked to end, if it is: by somebody outside, by its own, or because that has ended.
    private func askedSince(_ name: String) -> Instant? {
        let inside =
            self.orphans[name]
            ?? self.parents[name].flatMap { parent in
                self.lives[parent.name].flatMap { life in
                    life.steps.first == .stop(parent.child) ? life.due : nil
                }
            }
        guard let outside = self.asked[name] else { return inside }
        return min(outside, inside ?? outside)
    }

    /// Whether a supervisor is asked to end. In the very instant in which somebody above it was asked, those
    /// between them may have begun to stop their last children, and are taken to have if it matters.
    private mutating func hasHeard(_ name: String, at time: Instant) -> Bool {
        if self.askedSince(name) != nil { return true }
        guard let parent = self.parents[name] else { return false }
        guard let life = self.lives[parent.name] else { return true }
        guard life.mayBegin(with: parent.child, at: time), self.hasHeard(parent.name, at: time)
        else {
            return false
        }
        self.lives[parent.name]?.begin(at: time)
        return true
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
        for name in self.orphans.keys.sorted() {
            let line = "\(name) is up at \(moment(time)), and its supervisor has ended"
            self.found.append(("orphan", line))
        }
    }
}
