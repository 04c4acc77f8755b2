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
    let file: String

    /// Prints a table, and tells whether everything is as it should be.
    func run() -> Bool {
        var said: [(label: String, node: String, json: JSONValue)] = []
        for line in self.lines() where line.hasPrefix("@@ ") {
            let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard parts.count == 4, let json = try? JSONValue(parsing: Array(parts[3].utf8))
            else { continue }
            said.append((parts[1], parts[2], json))
        }
        var labels: [String] = []
        for entry in said where !labels.contains(entry.label) { labels.append(entry.label) }
        if labels.isEmpty {
            print("nothing was measured")
            return false
        }
        var isGood = true
        var rows = [["link", "", "asked", "allowed"] + labels]
        for measurement in Measurement.all {
            for reading in measurement.readings {
                var cells: [String] = []
                var allowed = ""
                for label in labels {
                    guard
                        let json = said.first(where: {
                            $0.label == label && $0.node == measurement.node
                        })?.json
                    else {
                        isGood = false
                        cells.append("MISSING")
                        continue
                    }
                    let value = reading.value(json)
                    let range = reading.tolerance(Measurement.number(json, "sent"))
                    allowed = "\(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
                    let isInside = range.contains(value)
                    if !isInside { isGood = false }
                    cells.append(Self.text(value) + (isInside ? "" : " WRONG"))
                }
                rows.append(
                    ["n1->\(measurement.node) \(measurement.fault)", reading.name]
                        + [Self.text(reading.asked), allowed] + cells)
            }
        }
        self.show(rows)
        print(isGood ? "everything is as asked" : "not everything is as asked")
        return isGood
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
        let rounded = (value * 10_000).rounded() / 10_000
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
