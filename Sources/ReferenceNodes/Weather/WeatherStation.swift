import ChaosCore
import NodeKit

/// Measures, and tells the collector: its clients never wait for that.
///
/// Every event has a number and is in the log before the client hears of it, so the next life goes on counting, and tells again what may
/// not have arrived. It waits in a buffer until the collector has it. A buffer that is full drops the oldest event and keeps its number: what
/// the collector does not get, it hears of.
struct WeatherStation: Sendable {
    private static let beatTimer = "beat"
    private static let beatInterval = Duration.milliseconds(100)
    /// After how long an event that was not acknowledged is told again.
    private static let repetition = Duration.milliseconds(300)
    /// How many events wait at most.
    private static let bufferLimit = 512
    /// How many are told at once.
    private static let batchLimit = 64

    /// An event that the collector does not have yet.
    private struct Entry {
        let number: Int64
        /// `nil` where it was dropped.
        var measurement: Measurement?
        var repeatsAt: Duration
        /// A client who waits for the collector.
        var request: Message?
    }

    private let membership: Membership
    private let flaws: Set<WeatherFlaw>
    private let collector: String
    /// What the numbers belong to: the life in which they began.
    private var series: UInt64
    private var number: Int64 = 0
    private var dropped: Int64 = 0
    private var buffer: [Entry] = []
    private let isFirstLife: Bool
    private var isSpoiled = false
    /// Whether the one handler of events is still attached.
    private var isAttached = true

    init(_ membership: Membership, _ flaws: Set<WeatherFlaw>) {
        self.membership = membership
        self.flaws = flaws
        self.collector = membership.members.first ?? ""
        self.series = membership.life.incarnation
        self.isFirstLife = membership.life.records.isEmpty
        for record in membership.life.records { self.recall(record) }
        self.limitBuffer()
    }

    private mutating func recall(_ record: JSONValue) {
        if let series = record["series"]?.intValue {
            self.series = UInt64(bitPattern: series)
            self.number = record["number"]?.intValue ?? 0
            self.dropped = record["dropped"]?.intValue ?? 0
        } else if let words = record.arrayValue, let number = words.first?.intValue {
            let measurement = Measurement(words)
            if measurement == nil { self.dropped += 1 }
            self.number = number
            self.buffer.append(Entry(number: number, measurement: measurement, repeatsAt: .zero))
        }
    }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started:
            let start: [Effect] = [.setTimer(Self.beatTimer, after: .zero)]
            return self.isFirstLife ? start + [.append(self.beginning)] : start
        case .timer:
            let beat: [Effect] = [
                .send(to: self.collector, ["type": "beat"]),
                .setTimer(Self.beatTimer, after: Self.beatInterval),
            ]
            return beat + self.tellAgain(at: now)
        case .message(let message):
            switch message.type {
            case "measure":
                guard let measurement = Measurement({ message[$0] }) else {
                    return [.error(to: message, .malformedRequest, Measurement.rule)]
                }
                return self.measure(measurement, for: message, at: now)
            case "events_ok": return self.take(acknowledgement: message)
            case "spoil" where message.source == Administration.name:
                self.isSpoiled = true
                return [.reply(to: message, ["type": "spoil_ok"])]
            case HTTPRequest.messageType: return self.answer(message, at: now)
            default: return [.unsupported(message)]
            }
        }
    }

    /// The first record of a log: where the numbers are.
    private var beginning: JSONValue {
        [
            "series": .int(Int64(bitPattern: self.series)), "number": .int(self.number),
            "dropped": .int(self.dropped),
        ]
    }

    // MARK: Events

    private mutating func measure(
        _ measurement: Measurement, for request: Message, at now: Duration
    ) -> [Effect] {
        self.number += 1
        // Who has no name for it gets one.
        let id = measurement.id.isEmpty ? "\(self.membership.id)-\(self.number)" : measurement.id
        let measurement = Measurement(
            id: id, temperature: measurement.temperature, humidity: measurement.humidity)
        let effects = self.execute(measurement, for: request, at: now)
        if self.flaws.contains(.waitsForCollector) { return effects }
        return effects + [Self.acknowledgement(of: self.number, to: request)]
    }

    private static func acknowledgement(of number: Int64, to request: Message) -> Effect {
        if let request = HTTPRequest(request) {
            return .respond(to: request, 202, json: ["number": .int(number)])
        }
        return .reply(to: request, ["type": "measure_ok", "number": .int(number)])
    }

    /// Calls the handlers of the event: there is one, which tells the collector. One that fails must not take the station along, nor may it
    /// be forgotten: its event counts as dropped.
    private mutating func execute(
        _ measurement: Measurement, for request: Message, at now: Duration
    ) -> [Effect] {
        guard self.isAttached else { return [] }
        let hasFailed = self.isSpoiled
        self.isSpoiled = false
        if hasFailed, self.flaws.contains(.detachesHandlers) {
            // As telemetry does: the handler fails once and is never called again.
            self.isAttached = false
            return []
        }
        if self.flaws.contains(.numbersNothing) {
            return [.send(to: self.collector, self.message([Self.words(nil, measurement)]))]
        }
        var entry = Entry(
            number: self.number, measurement: hasFailed ? nil : measurement,
            repeatsAt: now + Self.repetition)
        if self.flaws.contains(.waitsForCollector) { entry.request = request }
        if hasFailed { self.dropped += 1 }
        self.buffer.append(entry)
        self.limitBuffer()
        let words = Self.words(entry.number, entry.measurement)
        return [.append(words), .send(to: self.collector, self.message([words]))]
    }

    private mutating func limitBuffer() {
        let held = self.buffer.indices.filter { self.buffer[$0].measurement != nil }
        for index in held.prefix(max(0, held.count - Self.bufferLimit)) {
            self.buffer[index].measurement = nil
            self.dropped += 1
        }
    }

    private mutating func tellAgain(at now: Duration) -> [Effect] {
        let due = self.buffer.indices.filter { self.buffer[$0].repeatsAt <= now }
            .prefix(Self.batchLimit)
        if due.isEmpty { return [] }
        var entries: [JSONValue] = []
        for index in due {
            self.buffer[index].repeatsAt = now + Self.repetition
            entries.append(Self.words(self.buffer[index].number, self.buffer[index].measurement))
        }
        return [.send(to: self.collector, self.message(entries))]
    }

    private mutating func take(acknowledgement message: Message) -> [Effect] {
        guard message["series"]?.intValue == Int64(bitPattern: self.series) else { return [] }
        let numbers = Set((message["numbers"]?.arrayValue ?? []).compactMap(\.intValue))
        let answers = self.buffer.filter { numbers.contains($0.number) }.compactMap { entry in
            entry.request.map { Self.acknowledgement(of: entry.number, to: $0) }
        }
        self.buffer.removeAll { numbers.contains($0.number) }
        return answers
    }

    /// What the next life has to know: where the numbers are, and what the collector does not have.
    var snapshot: [JSONValue] {
        [self.beginning] + self.buffer.map { Self.words($0.number, $0.measurement) }
    }

    private func message(_ entries: [JSONValue]) -> JSONObject {
        [
            "type": "events", "series": .int(Int64(bitPattern: self.series)),
            "entries": .array(entries),
        ]
    }

    /// `[number, id, temperature, humidity]`, or `[number]` of a dropped event.
    private static func words(_ number: Int64?, _ measurement: Measurement?) -> JSONValue {
        .array([number.map { .int($0) } ?? .null] + (measurement?.words ?? []))
    }

    // MARK: What can be seen

    private mutating func answer(_ message: Message, at now: Duration) -> [Effect] {
        guard let request = HTTPRequest(message) else { return [.unsupported(message)] }
        switch (request.method, request.path) {
        case ("GET", ["metrics"]): return [.respond(to: request, self.metrics)]
        case ("POST", ["measurements"]):
            let fields = request.json?.objectValue
            let form = request.form
            let measurement = Measurement { name in
                fields?[name]
                    ?? form[name].map { text in
                        Int64(text).map { .int($0) } ?? .string(text)
                    }
            }
            guard let measurement else {
                return [.respond(to: request, 422, json: ["error": .string(Measurement.rule)])]
            }
            return self.measure(measurement, for: message, at: now)
        default:
            let sentence = "there are GET /metrics and POST /measurements"
            return [.respond(to: request, 404, json: ["error": .string(sentence)])]
        }
    }

    private var metrics: MetricsPage {
        var page = MetricsPage()
        page.add(
            "weather_events_emitted_total", .counter, "Events that were measured.", self.number)
        page.add(
            "weather_events_dropped_total", .counter, "Events that the collector will not get.",
            self.dropped)
        page.add(
            "weather_buffer_entries", .gauge, "Events that the collector does not have yet.",
            Int64(self.buffer.count))
        return page
    }
}

extension Measurement {
    static let rule =
        "a measurement has a whole 'temperature' from -100 to 100, and a whole 'humidity' from 0 to 100"

    /// Reads the fields of a request; `nil` where they break the ``rule``.
    init?(_ field: (String) -> JSONValue?) {
        guard let temperature = field("temperature")?.intValue,
            let humidity = field("humidity")?.intValue, (-100...100).contains(temperature),
            (0...100).contains(humidity)
        else { return nil }
        self.init(
            id: field("id")?.stringValue ?? "", temperature: temperature, humidity: humidity)
    }

    /// Reads the words behind a number.
    init?(_ words: [JSONValue]) {
        guard words.count == 4, let id = words[1].stringValue, let temperature = words[2].intValue,
            let humidity = words[3].intValue
        else { return nil }
        self.init(id: id, temperature: temperature, humidity: humidity)
    }

    var words: [JSONValue] {
        [.string(self.id), .int(self.temperature), .int(self.humidity)]
    }
}
