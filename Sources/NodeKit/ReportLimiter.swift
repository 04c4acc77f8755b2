/// Keeps reports from flooding a log: at most twenty a second.
struct ReportLimiter: Sendable {
    enum Decision: Hashable, Sendable {
        case pass
        /// The last one of this second: say that more may be left out.
        case last
        case omit
    }

    private static let limit = 20
    private var second: Int64 = -1
    private var count = 0

    mutating func decide(at now: Duration) -> Decision {
        if now.components.seconds != self.second {
            self.second = now.components.seconds
            self.count = 0
        }
        self.count += 1
        if self.count < Self.limit { return .pass }
        return self.count == Self.limit ? .last : .omit
    }
}
