import ChaosCore
import NodeKit

// S40: weather stations, and a collector that counts what they measure, raises alerts, and knows which of them live.
//
// The first node is the collector, all others are stations.
//
//     measure{id, temperature, humidity} -> measure_ok{number}    at a station
//     report                             -> report_ok{report}     at the collector
//
// Over HTTP: GET /metrics at all nodes, GET /stations at the collector, POST /measurements with temperature and humidity at a station.
//
// Station to collector:   events{series, entries: [[number, id, temperature, humidity], [number], …]} -> events_ok{series, numbers}
//                         beat{}                      every 100 ms
//
// A station numbers its events, so the collector knows which it has not got. An entry without values is an event that the station had to
// drop. The administrator of a station can say spoil{}: the next measurement cannot be read.

extension ReferenceSystem {
    static let weather = ReferenceSystem(
        name: "weather", summary: "stations whose telemetry is collected, counted and watched",
        variants: [
            Variant("numbered", "numbered events from a bounded buffer, and an adaptive detector") {
                WeatherNode([])
            },
            Variant("synchronous", "a station answers when the collector has answered") {
                WeatherNode([.waitsForCollector])
            },
            Variant("detached", "a handler that fails once is never called again") {
                WeatherNode([.detachesHandlers])
            },
            Variant("no-numbers", "events are said once, and counted as they come") {
                WeatherNode([.numbersNothing])
            },
            Variant("volatile", "the collector counts in memory") {
                WeatherNode([.forgetsTotals])
            },
            Variant("fixed-timeout", "who gives no sign of life for 400 ms is dead") {
                WeatherNode([.waitsFixedTime])
            },
            Variant("never-doubts", "who lived once lives") { WeatherNode([.neverDoubts]) },
        ])
}

/// What is wrong with a variant.
enum WeatherFlaw: Sendable {
    case waitsForCollector
    case detachesHandlers
    case numbersNothing
    case forgetsTotals
    case waitsFixedTime
    case neverDoubts
}

/// One measurement, as stations tell it.
struct Measurement: Hashable, Sendable {
    /// The client's name for it.
    let id: String
    /// In degrees Celsius.
    let temperature: Int64
    /// In percent.
    let humidity: Int64

    /// Above so many degrees somebody is to be told.
    static let alertLimit: Int64 = 33
}

/// A collector, or a station.
struct WeatherNode: Node {
    private enum Role: Sendable {
        case unborn
        case collector(WeatherCollector)
        case station(WeatherStation)
    }

    private let flaws: Set<WeatherFlaw>
    private var role = Role.unborn
    private var log = LogCompaction()

    init(_ flaws: Set<WeatherFlaw>) { self.flaws = flaws }

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        if case .started(let membership) = input {
            self.log.start(membership.life)
            if membership.members.first == membership.id {
                self.role = .collector(WeatherCollector(membership, self.flaws))
            } else {
                self.role = .station(WeatherStation(membership, self.flaws))
            }
        }
        // Taken out, so that it changes in place.
        let role = self.role
        self.role = .unborn
        switch role {
        case .unborn: return []
        case .collector(var collector):
            defer { self.role = .collector(collector) }
            return self.log.compacting(collector.handle(input, at: now)) { collector.snapshot }
        case .station(var station):
            defer { self.role = .station(station) }
            return self.log.compacting(station.handle(input, at: now)) { station.snapshot }
        }
    }
}
