import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Compares what receivers said with what was asked of their links.
struct Judge {
    let set: MeasurementSet
    let file: String
    /// The runs that must have been measured; the first is what the others are compared with.
    let labels: [String]

    /// Prints a table, and tells whether everything is as it should be.
    func run() -> Bool {
        var said: [(label: String, node: String, json: JSONValue)] = []
        for line in self.lines() where line.hasPrefix("@@ ") {
            let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard parts.count == 4, let json = try? JSONValue(parsing: Array(parts[3].utf8))
            else { continue }
            said.append((parts[1], parts[2], json))
        }
        var isGood = true
        var rows = [["link", "", "asked"] + self.labels + (self.labels.count > 1 ? ["apart"] : [])]
        func told(_ node: String) -> [JSONValue?] {
            self.labels.map { label in said.first { $0.label == label && $0.node == node }?.json }
        }
        let controls = self.set.control.map(told) ?? self.labels.map { _ in nil }
        let slacks = controls.map { $0.map { Measurement.number($0, "p99_ms") } ?? 0 }
        for measurement in self.set.measurements {
            let found = told(measurement.node)
            for reading in measurement.readings {
                var cells: [String] = []
                var values: [(value: Double, packets: Double)] = []
                for (json, slack) in zip(found, slacks) {
                    guard let json else {
                        isGood = false
                        cells.append("MISSING")
                        continue
                    }
                    let (value, packets) = (reading.value(json), Measurement.number(json, "sent"))
                    let range = reading.allowed(packets, slack: slack)
                    let isInside = range.contains(value)
                    if !isInside { isGood = false }
                    values.append((value, packets))
                    cells.append(
                        "\(Self.text(value)) (\(Self.text(range.lowerBound)) to "
                            + "\(Self.text(range.upperBound)))" + (isInside ? "" : " WRONG"))
                }
                if self.labels.count > 1 {
                    cells.append(Self.apart(values, reading, slacks.max() ?? 0, &isGood))
                }
                rows.append(
                    ["n1->\(measurement.node) \(measurement.fault)", reading.name]
                        + [Self.text(reading.asked)] + cells)
            }
        }
        self.show(rows)
        print(isGood ? "everything is as asked" : "not everything is as asked")
        return isGood
    }

    /// How far the first is from the others at most, and whether chance allows that.
    private static func apart(
        _ values: [(value: Double, packets: Double)], _ reading: Measurement.Reading,
        _ slack: Double, _ isGood: inout Bool
    ) -> String {
        guard let first = values.first else { return "" }
        var most = 0.0
        var isAllowed = true
        for other in values.dropFirst() {
            let distance = abs(other.value - first.value)
            most = max(most, distance)
            if distance > reading.allowedApart(first.packets, other.packets, slack: slack) {
                isAllowed = false
            }
        }
        if !isAllowed { isGood = false }
        return Self.text(most) + (isAllowed ? "" : " WRONG")
    }

    private func show(_ rows: [[String]]) {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for (index, row) in rows.enumerated() {
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            print("| " + cells.joined(separator: " | ") + " |")
            if index == 0 {
                print(
                    "| "
                        + widths.map { String(repeating: "-", count: $0) }.joined(separator: " | ")
                        + " |")
            }
        }
    }

    private static func text(_ value: Double) -> String {
        if !value.isFinite { return "?" }
        let rounded = (value * 1000).rounded() / 1000
        return "\(rounded)"
    }

    private func lines() -> [String] {
        guard let file = fopen(self.file, "r") else {
            print("\(self.file): \(String(cString: strerror(errno)))")
            exit(66)
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes.split { $0 == 10 || $0 == 13 }.map { String(decoding: $0, as: UTF8.self) }
    }
}
