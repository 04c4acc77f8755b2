import ChaosCore

/// Judges telemetry: what stations measured, what their collector says it got, and whom it takes for dead.
///
/// Operations: `measure` (`{id, temperature, …}`, at a station) and `report` (completion: `{stations: {NODE: {state, received, dropped, missing, deaths}}, alerts: [id, …]}`).
/// - **unaccounted**: in the end a station measured more than was received, dropped or is known to be missing: a loss that nobody tells of. **counted-twice**: it measured
///   less.
/// - **went-back**: a total is smaller than an earlier report had it.
/// - **missed-alert**: a measurement above ``alertLimit`` was acknowledged, was not told to be dropped or missing, and is not among the final alerts. **alerted-twice**: it is there twice.
/// - **flapping**: a station was taken for dead more often than ``deaths`` says. **shown-alive**: links were cut, or a station did not run, for longer than
///   ``silence``, and no report meanwhile shows a station, or that one, as dead.
///
/// Linear in the history.
package struct TelemetryChecker: Checker {
    /// Above so many degrees somebody is to be told.
    package let alertLimit: Int64
    /// How often a station may be taken for dead; `nil` is as often as may be.
    package let deaths: Int?
    /// After how long a station that cannot be reached has to be shown as dead.
    package static let silence = Duration.milliseconds(2500)

    private var disturbances: [Disturbance] = []

    package init(alertLimit: Int64 = 33, deaths: Int? = nil) {
        self.alertLimit = alertLimit
        self.deaths = deaths
    }

    package var name: String { "telemetry" }

    package func told(of disturbances: [Disturbance], absent: [String]) -> any Checker {
        var copy = self
        copy.disturbances = disturbances
        return copy
    }

    /// What a report says of a station.
    private struct Station {
        let state: String
        let received: Int64
        let dropped: Int64
        let missing: Int64
        let deaths: Int64

        init?(_ json: JSONValue) {
            guard let state = json["state"]?.stringValue, let received = json["received"]?.amount,
                let dropped = json["dropped"]?.amount, let missing = json["missing"]?.amount,
                let deaths = json["deaths"]?.amount
            else { return nil }
            (self.state, self.received, self.dropped) = (state, received, dropped)
            (self.missing, self.deaths) = (missing, deaths)
        }
    }

    private struct Report {
        let invocation: Invocation
        let stations: [String: Station]
        let alerts: [String]

        init?(_ invocation: Invocation) {
            guard invocation.outcome == .ok, let value = invocation.end?.value,
                let members = value["stations"]?.objectValue?.members
            else { return nil }
            var stations: [String: Station] = [:]
            for member in members { stations[member.key] = Station(member.value) }
            if stations.count != members.count { return nil }
            self.invocation = invocation
            self.stations = stations
            self.alerts = (value["alerts"]?.arrayValue ?? []).compactMap(\.stringValue)
        }
    }

    package func check(_ history: History) -> Finding {
        let invocations = history.invocations
        let measures = invocations.filter { $0.begin.function == "measure" }
        let reports = invocations.filter { $0.begin.function == "report" }.compactMap(Report.init)
        let final = reports.last { $0.invocation.begin.isFinal }
        var found: [(name: String, line: String)] = []
        if let final { found += self.judge(final, measures) }
        found += Self.regressions(reports)
        found += self.blindness(reports)
        let acknowledged = measures.count { $0.outcome == .ok }
        return Finding(
            checker: self.name, found: found,
            gap: acknowledged == 0
                ? "nothing was measured" : final == nil ? "no final report was answered" : nil,
            praise: "\(counted(acknowledged, "measurement")) "
                + "\(acknowledged == 1 ? "is" : "are") accounted for in \(counted(reports.count, "report"))",
            statistics: [
                "measure_count": .int(Int64(measures.count)),
                "acknowledged_count": .int(Int64(acknowledged)),
                "report_count": .int(Int64(reports.count)),
                "missing_count": .int(final?.stations.values.reduce(0) { $0 + $1.missing } ?? 0),
                "dropped_count": .int(final?.stations.values.reduce(0) { $0 + $1.dropped } ?? 0),
            ])
    }

    // MARK: The final report

    private func judge(
        _ report: Report, _ measures: [Invocation]
    ) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        let place = report.invocation.place
        for (name, station) in report.stations.sorted(by: { $0.key < $1.key }) {
            let own = measures.filter { $0.begin.node == name }
            let least = Int64(own.count { $0.outcome == .ok })
            let most = least + Int64(own.count { $0.outcome == .info })
            let sum = station.received + station.dropped + station.missing
            let words =
                "\(name) measured \(least == most ? "\(least)" : "\(least) to \(most)"), and \(place) shows"
                + " \(station.received) received, \(station.dropped) dropped, \(station.missing) missing"
            if sum < least { found.append(("unaccounted", words)) }
            if sum > most { found.append(("counted-twice", words)) }
            if let deaths = self.deaths, station.deaths > deaths {
                found.append(
                    (
                        "flapping",
                        "\(name) was taken for dead \(counted(Int(station.deaths), "time"))"
                    ))
            }
        }
        return found + self.alerts(report, measures)
    }

    private func alerts(
        _ report: Report, _ measures: [Invocation]
    ) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        var counts: [String: Int] = [:]
        for alert in report.alerts { counts[alert, default: 0] += 1 }
        for measure in measures {
            guard let id = measure.begin.value["id"]?.stringValue,
                let temperature = measure.begin.value["temperature"]?.intValue,
                temperature > self.alertLimit
            else { continue }
            let station = report.stations[measure.begin.node ?? ""]
            let isExcused = station.map { $0.dropped + $0.missing > 0 } ?? false
            if measure.outcome == .ok, counts[id] == nil, !isExcused {
                found.append(
                    (
                        "missed-alert",
                        "\(id), \(temperature) degrees on \(measure.place), raised no alert"
                    ))
            }
            if counts[id] ?? 0 > 1 {
                found.append(("alerted-twice", "\(id) raised \(counts[id] ?? 0) alerts"))
            }
        }
        return found
    }

    // MARK: All reports

    private static func regressions(_ reports: [Report]) -> [(name: String, line: String)] {
        var found: [(name: String, line: String)] = []
        for (earlier, later) in zip(reports, reports.dropFirst())
        where earlier.invocation.end?.index ?? .max < later.invocation.begin.index {
            for (name, station) in later.stations.sorted(by: { $0.key < $1.key }) {
                guard let before = earlier.stations[name], station.received < before.received
                else { continue }
                found.append(
                    (
                        "went-back",
                        "\(later.invocation.place) shows \(station.received) received from \(name),"
                            + " after \(before.received)"
                    ))
            }
        }
        return found
    }

    private func blindness(_ reports: [Report]) -> [(name: String, line: String)] {
        self.disturbances.flatMap { disturbance in
            let from = disturbance.begin + Self.silence
            let looks = reports.filter {
                from <= $0.invocation.begin.time
                    && $0.invocation.end?.time ?? from <= disturbance.end
            }
            if looks.isEmpty { return [(name: String, line: String)]() }
            let span = "from \(moment(disturbance.begin)) to \(moment(disturbance.end))"
            let seen = counted(looks.count, "report")
            let dead = Set(looks.flatMap { $0.stations.filter { $0.value.state == "dead" }.keys })
            var found: [(name: String, line: String)] = []
            if disturbance.isCut, dead.isEmpty {
                let line = "links were cut \(span), and \(seen) showed no station as dead"
                found.append(("shown-alive", line))
            }
            for name in disturbance.silenced
            where looks[0].stations[name] != nil && !dead.contains(name) {
                let line = "\(name) did not run \(span), and \(seen) did not show it as dead"
                found.append(("shown-alive", line))
            }
            return found
        }
    }
}
