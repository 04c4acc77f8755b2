import ChaosCore
import NodeKit

/// Counts what stations measure, knows what it has not got, raises alerts, and watches who lives.
///
/// What comes is in the log before it is acknowledged, so the totals of the next life go on; and each event counts once, by its number.
struct WeatherCollector: Sendable {
    private static let timer = "look"
    private static let interval = Duration.milliseconds(50)
    /// What the flaw ``WeatherFlaw/waitsFixedTime`` waits.
    private static let fixedPatience = Duration.milliseconds(400)

    /// Events whose numbers belong together.
    private struct Series {
        /// All up to this one are known.
        private var upTo: Int64 = 0
        /// The known ones above that.
        private var above: Set<Int64> = []

        init() {}

        /// Reads what ``json`` made.
        init(_ json: JSONValue?) {
            self.upTo = json?["up_to"]?.intValue ?? 0
            self.above = Set((json?["above"]?.arrayValue ?? []).compactMap(\.intValue))
        }

        var json: JSONValue {
            ["up_to": .int(self.upTo), "above": .array(self.above.sorted().map { .int($0) })]
        }

        /// Takes note of a number; `false` where it is known.
        mutating func note(_ number: Int64) -> Bool {
            guard number > self.upTo, self.above.insert(number).inserted else { return false }
            while self.above.remove(self.upTo + 1) != nil { self.upTo += 1 }
            return true
        }

        /// How many there must be that nobody has told of.
        var missing: Int64 {
            guard let highest = self.above.max() else { return 0 }
            return highest - self.upTo - Int64(self.above.count)
        }
    }

    private struct Station {
        var series: [Int64: Series] = [:]
        var received: Int64 = 0
        var dropped: Int64 = 0
        var temperature: Int64?
        var detector: FailureDetector

        var missing: Int64 { self.series.values.reduce(0) { $0 + $1.missing } }
    }

    private let flaws: Set<WeatherFlaw>
    private var stations: [String: Station] = [:]
    /// The measurements somebody was to be told of, in order.
    private var alerts: [String] = []

    init(_ membership: Membership, _ flaws: Set<WeatherFlaw>) {
        self.flaws = flaws
        let rule: FailureDetector.Rule =
            flaws.contains(.neverDoubts)
            ? .never
            : flaws.contains(.waitsFixedTime) ? .fixed(Self.fixedPatience) : .adaptive
        for name in membership.others {
            self.stations[name] = Station(detector: FailureDetector(rule, at: .zero))
        }
        for record in membership.life.records {
            if let totals = record["totals"]?.objectValue {
                self.recall(totals)
                self.alerts = (record["alerts"]?.arrayValue ?? []).compactMap(\.stringValue)
            } else if let name = record["from"]?.stringValue {
                self.take(record, from: name)
            }
        }
    }

    // MARK: Its log

    /// All that events came to, in the place of the events.
    var snapshot: [JSONValue] {
        let totals = self.stations.sorted { $0.key < $1.key }.map { name, station in
            let series = station.series.sorted { $0.key < $1.key }
                .map { (key: String($0), value: $1.json) }
            return (
                key: name,
                value: [
                    "received": .int(station.received), "dropped": .int(station.dropped),
                    "temperature": station.temperature.map { .int($0) } ?? .null,
                    "series": .object(JSONObject(series)),
                ] as JSONValue
            )
        }
        return [
            [
                "totals": .object(JSONObject(totals)),
                "alerts": .array(self.alerts.map { .string($0) }),
            ]
        ]
    }

    private mutating func recall(_ totals: JSONObject) {
        for (name, total) in totals.members {
            self.stations[name]?.received = total["received"]?.intValue ?? 0
            self.stations[name]?.dropped = total["dropped"]?.intValue ?? 0
            self.stations[name]?.temperature = total["temperature"]?.intValue
            for (number, series) in total["series"]?.objectValue?.members ?? [] {
                guard let number = Int64(number) else { continue }
                self.stations[name]?.series[number] = Series(series)
            }
        }
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started: return [.setTimer(Self.timer, after: Self.interval)]
        case .timer:
            for name in self.stations.keys { self.stations[name]?.detector.look(at: now) }
            return [.setTimer(Self.timer, after: Self.interval)]
        case .message(let message):
            switch message.type {
            case "beat":
                self.stations[message.source]?.detector.hear(at: now)
                return []
            case "events": return self.collect(message)
            case "report":
                return [.reply(to: message, ["type": "report_ok", "report": self.report])]
            case HTTPRequest.messageType: return self.answer(message)
            default: return [.unsupported(message)]
            }
        }
    }

    // MARK: Events

    private mutating func collect(_ message: Message) -> [Effect] {
        let entries = message["entries"]?.arrayValue ?? []
        guard self.stations[message.source] != nil else { return [] }
        let record: JSONValue = [
            "from": .string(message.source), "series": message["series"] ?? nil,
            "entries": .array(entries),
        ]
        let isNew = self.take(record, from: message.source)
        let numbers = entries.compactMap(\.arrayValue?.first).filter { $0 != .null }
        let acknowledgement: [Effect] =
            numbers.isEmpty
            ? []
            : [
                .send(
                    to: message.source,
                    [
                        "type": "events_ok", "series": message["series"] ?? nil,
                        "numbers": .array(numbers),
                    ])
            ]
        if !isNew || self.flaws.contains(.forgetsTotals) { return acknowledgement }
        return [.append(record)] + acknowledgement
    }

    /// Counts what is new of some events, and tells whether there was something.
    @discardableResult
    private mutating func take(_ record: JSONValue, from name: String) -> Bool {
        let series = record["series"]?.intValue ?? 0
        var isNew = false
        for entry in record["entries"]?.arrayValue ?? [] {
            guard let words = entry.arrayValue else { continue }
            if let number = words.first?.intValue {
                let isKnown =
                    self.stations[name]?.series[series, default: Series()].note(number) == false
                if isKnown { continue }
            }
            isNew = true
            self.count(Measurement(words), from: name)
        }
        return isNew
    }

    private mutating func count(_ measurement: Measurement?, from name: String) {
        guard let measurement else {
            self.stations[name]?.dropped += 1
            return
        }
        self.stations[name]?.received += 1
        self.stations[name]?.temperature = measurement.temperature
        if measurement.temperature > Measurement.alertLimit { self.alerts.append(measurement.id) }
    }

    // MARK: What can be seen

    private var report: JSONValue {
        let stations = self.stations.sorted { $0.key < $1.key }.map { name, station in
            (
                key: name,
                value: [
                    "state": .string(station.detector.state.rawValue),
                    "received": .int(station.received), "dropped": .int(station.dropped),
                    "missing": .int(station.missing),
                    "suspicions": .int(station.detector.suspicions),
                    "deaths": .int(station.detector.deaths),
                ] as JSONValue
            )
        }
        return [
            "stations": .object(JSONObject(stations)),
            "alerts": .array(self.alerts.map { .string($0) }),
        ]
    }

    private func answer(_ message: Message) -> [Effect] {
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        switch (request.method, request.path) {
        case ("GET", ["metrics"]): return [.respond(to: request, self.metrics)]
        case ("GET", ["stations"]): return [.respond(to: request, 200, json: self.report)]
        default:
            let sentence = "there are GET /metrics and GET /stations"
            return [.respond(to: request, 404, json: ["error": .string(sentence)])]
        }
    }

    private var metrics: MetricsPage {
        let stations = self.stations.sorted { $0.key < $1.key }
        func each(_ value: (Station) -> Int64?) -> [(labels: String, value: Int64)] {
            stations.compactMap { name, station in
                value(station).map { ("station=\"\(name)\"", $0) }
            }
        }
        var page = MetricsPage()
        page.add(
            "weather_events_received_total", .counter, "Events that stations measured.",
            each { $0.received })
        page.add(
            "weather_events_dropped_total", .counter, "Events that stations say they dropped.",
            each { $0.dropped })
        page.add(
            "weather_events_missing", .gauge, "Events of which only the numbers behind them tell.",
            each { $0.missing })
        page.add(
            "weather_temperature_celsius", .gauge, "The temperature that came last.",
            each { $0.temperature })
        page.add(
            "weather_station_up", .gauge, "1 alive, 0 suspect or dead.",
            each { $0.detector.state == .alive ? 1 : 0 })
        page.add(
            "weather_station_deaths_total", .counter, "How often it was taken for dead.",
            each { $0.detector.deaths })
        page.add(
            "weather_alerts_total", .counter,
            "Measurements above \(Measurement.alertLimit) degrees.", Int64(self.alerts.count))
        return page
    }
}
