import ChaosCore
import NodeKit

/// Random partitions and crashes, one after the other.
struct Disturber {
    enum Action {
        case cut([String], [String])
        case heal
        case kill(String)
        case start(String)
        case stopCrashing
    }

    enum Kind: String, CaseIterable {
        case halves
        case isolate
        case kill
    }

    var kinds = Kind.allCases
    var interval = Duration.milliseconds(1500)

    /// A schedule after which all is well again.
    func schedule(
        for duration: Duration, nodes: [String], seed: UInt64
    ) -> [(time: Duration, action: Action)] {
        var randomness = Randomness(seed: seed, label: "disturber")
        var steps: [(time: Duration, action: Action)] = []
        var time = randomness.jittered(self.interval / 2)
        while time < duration, let kind = randomness.pick(self.kinds) {
            let end = min(duration, time + randomness.jittered(self.interval))
            let shuffled = randomness.shuffled(nodes)
            switch kind {
            case .halves, .isolate:
                let count = kind == .isolate ? 1 : nodes.count / 2
                steps.append(
                    (time, .cut(Array(shuffled.prefix(count)), Array(shuffled.dropFirst(count)))))
                steps.append((end, .heal))
            case .kill:
                // Up to all but one, at once.
                for node in shuffled.prefix(1 + randomness.next(below: max(1, nodes.count - 1))) {
                    steps.append((time, .kill(node)))
                    steps.append((end, .start(node)))
                }
            }
            time = end + randomness.jittered(self.interval / 2)
        }
        steps.append((duration, .heal))
        steps.append((duration, .stopCrashing))
        for node in nodes { steps.append((duration, .start(node))) }
        return steps
    }
}
