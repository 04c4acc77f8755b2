import ChaosCore
import ChaosScenario

/// All injections of a run, in the order in which they began.
///
/// What is asked while the run goes on concerns those that are still on, so these are found without a look
/// at the others. An injection that has ended is kept for the result; runs may have tens of thousands, mostly
/// of a few kinds, so parts that are equal are kept once.
struct InjectionLog {
    /// Every injection so far.
    private(set) var all: [InjectionRecord] = []
    /// Where the injections are that are still on, by id. A schedule may use an id again once it has ended.
    private var places: [String: Int] = [:]
    private var shared = SharedParts()

    /// Those that are still on.
    var active: [InjectionRecord] { self.places.values.sorted().map { self.all[$0] } }

    /// The injection with an id that is still on.
    func active(_ id: String) -> InjectionRecord? { self.places[id].map { self.all[$0] } }

    /// Adds an injection, which may have ended already.
    mutating func append(_ record: InjectionRecord) {
        if record.end == nil { self.places[record.id] = self.all.count }
        self.all.append(record)
    }

    /// Brings the counters of those that are still on up to date.
    ///
    /// - Parameter counters: By id; what has ended meanwhile keeps its last counters.
    mutating func take(_ counters: [String: InjectionCounters]) {
        for (id, counters) in counters {
            if let place = self.places[id] { self.all[place].take(counters) }
        }
    }

    /// Notes the end of an injection.
    ///
    /// - Returns: The injection as it is kept; nil when none with this id was on.
    @discardableResult
    mutating func end(
        _ id: String, at end: Instant, _ counters: InjectionCounters? = nil
    ) -> InjectionRecord? {
        guard let place = self.places.removeValue(forKey: id) else { return nil }
        self.all[place].end = end
        if let counters { self.all[place].take(counters) }
        self.shared.share(&self.all[place])
        return self.all[place]
    }
}

/// The larger parts of ended injections, each kept once.
private struct SharedParts {
    /// Beyond as many, new ones are not remembered: they are hardly ever the same again.
    private static let capacity = 4096

    private var texts: Set<String> = []
    private var places: Set<[String]> = []
    private var rules: Set<[FaultRule]> = []
    private var pairs: Set<[DirectedPair]> = []
    private var crossings: Set<[InjectionRecord.Crossing]> = []

    mutating func share(_ record: inout InjectionRecord) {
        Self.share(&record.text, in: &self.texts)
        Self.share(&record.places, in: &self.places)
        Self.share(&record.rules, in: &self.rules)
        Self.share(&record.pairs, in: &self.pairs)
        Self.share(&record.crossings, in: &self.crossings)
    }

    private static func share<Part: Hashable>(_ part: inout Part, in known: inout Set<Part>) {
        if let index = known.firstIndex(of: part) {
            part = known[index]
        } else if known.count < Self.capacity {
            known.insert(part)
        }
    }
}

extension InjectionRecord {
    mutating func take(_ counters: InjectionCounters) {
        self.touched = counters.touched
        self.hits = counters.hits
        self.crossings = counters.crossings
    }
}
