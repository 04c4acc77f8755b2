import ChaosTopology
import Testing

/// Runs packet filters as the kernel does (Documentation/networking/filter.rst).
struct FilterMachine {
    private let steps: [FilterStep]
    private let isOutgoing: Bool
    private let interface: UInt32

    init(_ steps: [FilterStep], isOutgoing: Bool = false, interface: UInt32 = 1) {
        self.steps = steps
        self.isOutgoing = isOutgoing
        self.interface = interface
    }

    /// How much of a frame is kept.
    func run(_ frame: [UInt8]) -> UInt32 {
        var accumulator: UInt32 = 0
        var index: UInt32 = 0
        var counter = 0
        while counter < self.steps.count {
            let step = self.steps[counter]
            counter += 1
            func load(_ size: Int, behind offset: UInt32 = 0) -> UInt32? {
                let at = Int(step.value + offset)
                guard at + size <= frame.count else { return nil }
                return frame[at..<at + size].reduce(0) { $0 << 8 | UInt32($1) }
            }
            // What lies behind the end of a packet ends the program, which then keeps nothing.
            var loaded: UInt32?
            switch step.code {
            case 0x20 where step.value == 0xffff_f004: loaded = self.isOutgoing ? 4 : 0
            case 0x20 where step.value == 0xffff_f008: loaded = self.interface
            case 0x20: loaded = load(4)
            case 0x28: loaded = load(2)
            case 0x30: loaded = load(1)
            case 0x48: loaded = load(2, behind: index)
            case 0x50: loaded = load(1, behind: index)
            case 0xb1:
                guard let byte = load(1) else { return 0 }
                index = (byte & 15) * 4
                continue
            case 0x54:
                accumulator &= step.value
                continue
            case 0x15:
                counter += Int(accumulator == step.value ? step.ifTrue : step.ifFalse)
                continue
            case 0x45:
                counter += Int(accumulator & step.value != 0 ? step.ifTrue : step.ifFalse)
                continue
            case 0x05:
                counter += Int(step.value)
                continue
            case 0x06: return step.value
            default:
                Issue.record("no such instruction, found \(step.code)")
                return 0
            }
            guard let loaded else { return 0 }
            accumulator = loaded
        }
        Issue.record("the program has no end")
        return 0
    }
}
