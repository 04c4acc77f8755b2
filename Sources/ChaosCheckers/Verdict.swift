/// What a check says about a run.
package enum Verdict: String, Hashable, Sendable, CaseIterable {
    /// Everything that was promised was observed.
    case valid
    /// Something was observed that breaks a promise; there is evidence.
    case invalid
    /// Nothing decisive was observed.
    case unknown

    /// The verdict of two checks together: invalid beats unknown beats valid.
    package func combined(with other: Verdict) -> Verdict {
        self.severity >= other.severity ? self : other
    }

    /// The verdict of many checks together; of none it is unknown, because nothing was checked.
    package static func combined(_ verdicts: some Sequence<Verdict>) -> Verdict {
        verdicts.reduce(nil as Verdict?) { $0?.combined(with: $1) ?? $1 } ?? .unknown
    }

    private var severity: Int {
        switch self {
        case .valid: 0
        case .unknown: 1
        case .invalid: 2
        }
    }
}
