import ChaosCheckers
import ChaosCore

/// An object that really is linearizable, and clients that use it at once: what they see is a valid history.
///
/// Every operation takes effect at a moment of its own between call and return. A client may crash; its
/// operation then takes effect later or never, and a new process takes its place.
struct SimulatedObject: Sendable {
    /// Draws an operation: its name and argument.
    let draw: @Sendable (inout Generator) -> (String, JSONValue)
    /// Does it: whether it succeeded, and the result.
    let apply: @Sendable (String, JSONValue, inout JSONValue) -> (Bool, JSONValue)

    var initial: JSONValue = .null

    private enum Phase {
        case idle
        case called(String, JSONValue)
        case done(String, Bool, JSONValue)
    }

    /// A history of that many operations.
    func history(
        _ count: Int, clients: Int, crashes: Ratio = .zero, seed: UInt64
    ) -> History {
        var generator = Seed(seed).generator
        var history = History()
        var state = self.initial
        var phases = Array(repeating: Phase.idle, count: clients)
        var processes = Array(0..<clients)
        var zombies: [(String, JSONValue)] = []
        var started = 0
        func event(_ client: Int, _ kind: Operation.Kind, _ function: String, _ value: JSONValue) {
            let index = history.operations.count
            history.append(
                Operation(
                    index: index, process: processes[client], kind: kind, function: function,
                    value: value, time: Instant(nanoseconds: Int64(index) * 1_000)))
        }
        while true {
            if !zombies.isEmpty && generator.next(below: 20) == 0 {
                let zombie = zombies.remove(at: generator.next(below: zombies.count))
                _ = self.apply(zombie.0, zombie.1, &state)
            }
            let client = generator.next(below: clients)
            switch phases[client] {
            case .idle:
                if started == count {
                    let isOver = phases.allSatisfy { if case .idle = $0 { true } else { false } }
                    if isOver { return history }
                    continue
                }
                started += 1
                let (function, value) = self.draw(&generator)
                event(client, .invoke, function, value)
                phases[client] = .called(function, value)
            case .called(let function, let value):
                if generator.chance(crashes) {
                    event(client, .info, function, value)
                    zombies.append((function, value))
                    processes[client] += clients
                    phases[client] = .idle
                    continue
                }
                let (isOk, result) = self.apply(function, value, &state)
                phases[client] = .done(function, isOk, result)
            case .done(let function, let isOk, let result):
                phases[client] = .idle
                if generator.chance(crashes) {
                    event(client, .info, function, .null)
                    processes[client] += clients
                } else {
                    event(client, isOk ? .ok : .fail, function, result)
                }
            }
        }
    }
}

extension SimulatedObject {
    /// A register with few values, or with values of which none comes twice.
    static func register(isUnique: Bool = false, onlyWrites: Bool = false) -> SimulatedObject {
        SimulatedObject { generator in
            func value() -> JSONValue {
                .int(Int64(generator.next(below: isUnique ? 1 << 40 : 5)))
            }
            switch generator.next(below: onlyWrites ? 2 : 3) {
            case 0: return ("read", .null)
            case 1: return ("write", value())
            default: return ("cas", [value(), value()])
            }
        } apply: { function, value, state in
            switch function {
            case "read": return (true, state)
            case "write":
                state = value
                return (true, value)
            default:
                guard let pair = value.arrayValue, state == pair[0] else { return (false, value) }
                state = pair[1]
                return (true, value)
            }
        }
    }

    static var counter: SimulatedObject {
        SimulatedObject(
            draw: { generator in
                generator.next(below: 2) == 0
                    ? ("read", .null) : ("add", .int(Int64(generator.next(below: 4))))
            },
            apply: { function, value, state in
                if function == "add" {
                    state = .int((state.intValue ?? 0) + (value.intValue ?? 0))
                    return (true, value)
                }
                return (true, .int(state.intValue ?? 0))
            })
    }

    /// A set; with `read` it is judged as a whole.
    static func set(hasRead: Bool) -> SimulatedObject {
        SimulatedObject(
            draw: { generator in
                let element = JSONValue.int(Int64(generator.next(below: 6)))
                switch generator.next(below: 4) {
                case 0: return ("add", element)
                case 1: return ("remove", element)
                case 2: return ("contains", element)
                default: return hasRead ? ("read", .null) : ("contains", element)
                }
            },
            apply: { function, value, state in
                var elements = state.arrayValue ?? []
                defer { state = .array(elements) }
                switch function {
                case "add":
                    if !elements.contains(value) { elements.append(value) }
                    return (true, value)
                case "remove":
                    elements.removeAll { $0 == value }
                    return (true, value)
                case "contains": return (true, .bool(elements.contains(value)))
                default: return (true, .array(elements))
                }
            })
    }

    /// A queue or a stack.
    static func sequence(isStack: Bool) -> SimulatedObject {
        SimulatedObject(
            draw: { generator in
                if generator.next(below: 2) == 0 {
                    return (
                        isStack ? "push" : "enqueue", .int(Int64(generator.next(below: 1 << 40)))
                    )
                }
                return (isStack ? "pop" : "dequeue", .null)
            },
            apply: { function, value, state in
                var elements = state.arrayValue ?? []
                defer { state = .array(elements) }
                if function == "push" || function == "enqueue" {
                    elements.append(value)
                    return (true, value)
                }
                if elements.isEmpty { return (true, .null) }
                return (true, isStack ? elements.removeLast() : elements.removeFirst())
            })
    }

    static var mutex: SimulatedObject {
        SimulatedObject(
            draw: { generator in (generator.next(below: 2) == 0 ? "acquire" : "release", .null) },
            apply: { function, value, state in
                let isHeld = state.boolValue ?? false
                if isHeld == (function == "acquire") { return (false, value) }
                state = .bool(function == "acquire")
                return (true, value)
            })
    }
}
