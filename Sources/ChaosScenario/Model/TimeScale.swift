import ChaosCore

/// What a run's times are multiplied by: the same run in slow motion, or fast.
///
/// It concerns what the file says (schedule, load, conditions of the network, bounds of checks) and, by
/// the environment variable ``variable``, the timers of nodes that heed it. Rates are divided, so the
/// number of operations stays.
package struct TimeScale: Hashable, Sendable {
    /// The environment variable in which nodes find the factor.
    package static let variable = "CHAOS_TIME_SCALE"
    /// Changes nothing.
    package static let none = TimeScale(thousandths: 1000)

    /// The factor, in thousandths.
    private let thousandths: Int64

    private init(thousandths: Int64) { self.thousandths = thousandths }

    /// Reads `0.5` or `2`.
    ///
    /// - Throws: `InputError` for what is no number from 0.1 to 100.
    package init(parsing text: String) throws(InputError) {
        let rule = "a time scale is a number from 0.1 to 100"
        guard let factor = Double(text), (0.1...100).contains(factor) else {
            throw InputError(rule, found: text, hint: "for example '0.5' for twice as fast")
        }
        self.thousandths = Int64((factor * 1000).rounded())
    }

    /// The factor as text.
    package var text: String {
        let whole = self.thousandths / 1000
        var rest = String(self.thousandths % 1000 + 1000).dropFirst()
        while rest.last == "0" { rest.removeLast() }
        return rest.isEmpty ? "\(whole)" : "\(whole).\(rest)"
    }

    func apply(_ duration: Duration) -> Duration {
        .nanoseconds(duration.wholeNanoseconds / 1000 * self.thousandths)
    }

    func apply(_ point: TimePoint) -> TimePoint {
        if case .time(let time) = point { return .time(self.apply(time)) }
        return point
    }

    func apply(_ rate: EventRate) -> String {
        "\(max(1, rate.perThousandSeconds * 60 / self.thousandths))/m"
    }
}

extension Scenario {
    /// Makes everything that the scenario times take longer, or shorter.
    mutating func scale(by scale: TimeScale) {
        if scale == .none { return }
        self.duration = self.duration.map(scale.apply)
        self.schedule = self.schedule.map { $0.scaled(by: scale) }
        self.network.rules = self.network.rules.map { $0.scaled(by: scale) }
        self.workload?.scale(by: scale)
        self.checks = self.checks.map { check in
            var check = check
            check.parameters.scaleDurations(by: scale)
            return check
        }
        let variable = EnvironmentVariable(name: TimeScale.variable, value: scale.text)
        for index in self.nodes.indices { self.nodes[index].environment.append(variable) }
    }
}

extension ScheduleEntry {
    fileprivate func scaled(by scale: TimeScale) -> ScheduleEntry {
        var entry = self
        entry.duration = entry.duration.map(scale.apply)
        switch entry.timing {
        case .at(let point): entry.timing = .at(scale.apply(point))
        case .every(let interval, let jitter, let from, let until):
            entry.timing = .every(
                interval: scale.apply(interval), jitter: scale.apply(jitter),
                from: scale.apply(from), until: until.map(scale.apply))
        case .when: break
        }
        if case .faults(let rules) = entry.action {
            entry.action = .faults(rules.map { $0.scaled(by: scale) })
        }
        return entry
    }
}

extension FaultRule {
    fileprivate func scaled(by scale: TimeScale) -> FaultRule {
        var rule = self
        rule.faults = rule.faults.map { fault in
            switch fault {
            case .delay(var delay):
                delay.latency = scale.apply(delay.latency)
                delay.jitter = scale.apply(delay.jitter)
                return .delay(delay)
            case .slowClose(let time): return .slowClose(scale.apply(time))
            case .resetPeer(let time): return .resetPeer(after: scale.apply(time))
            case .timeout(let time): return .timeout(after: scale.apply(time))
            case .acceptDelay(let time): return .acceptDelay(scale.apply(time))
            case .coalesce(let time): return .coalesce(hold: scale.apply(time))
            default: return fault
            }
        }
        return rule
    }
}

extension WorkloadSpec {
    fileprivate mutating func scale(by scale: TimeScale) {
        self.duration = self.duration.map(scale.apply)
        self.parameters.scaleDurations(by: scale)
        if let text = self.parameters["rate"]?.stringValue, let rate = try? EventRate(parsing: text)
        {
            self.parameters["rate"] = .string(scale.apply(rate))
        }
    }
}

extension JSONObject {
    /// Scales what reads as a duration, however deep it stands.
    fileprivate mutating func scaleDurations(by scale: TimeScale) {
        for (key, value) in self.members { self[key] = value.withScaledDurations(by: scale) }
    }
}

extension JSONValue {
    fileprivate func withScaledDurations(by scale: TimeScale) -> JSONValue {
        switch self {
        case .string(let text):
            guard let duration = try? Duration(parsing: text), duration > .zero else { return self }
            return .string(scale.apply(duration).text)
        case .array(let elements): return .array(elements.map { $0.withScaledDurations(by: scale) })
        case .object(var object):
            object.scaleDurations(by: scale)
            return .object(object)
        default: return self
        }
    }
}
