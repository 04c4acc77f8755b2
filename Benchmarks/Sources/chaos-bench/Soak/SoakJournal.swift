import Foundation

/// What a run's journal says about the bytes of all connections that came and went.
struct SoakJournal {
    /// The counters of one direction, or of many together.
    struct Counters: Decodable, Equatable {
        var received = 0
        var written = 0
        var lost: Int? = 0
        var duplicated: Int? = 0
        var discarded: Int? = 0

        /// What is queued is none when a connection is closed.
        var isConserved: Bool {
            self.received + (self.duplicated ?? 0)
                == self.written + (self.lost ?? 0) + (self.discarded ?? 0)
        }

        mutating func add(_ other: Counters) {
            self.received += other.received
            self.written += other.written
            self.lost = (self.lost ?? 0) + (other.lost ?? 0)
            self.duplicated = (self.duplicated ?? 0) + (other.duplicated ?? 0)
            self.discarded = (self.discarded ?? 0) + (other.discarded ?? 0)
        }
    }

    private struct Closed: Decodable {
        let link: String
        let connection: Int
        let forward: Counters
        let backward: Counters
    }

    private(set) var total = Counters()
    private(set) var connections = 0
    private(set) var lines = 0
    /// Connections whose bytes do not add up.
    private(set) var unaccounted: [String] = []
    /// Warnings, by how often.
    private(set) var warnings: [String: Int] = [:]

    /// Reads a journal to its end.
    init(file: String) throws {
        guard let stream = fopen(file, "r") else { throw BenchError("\(file) cannot be read") }
        defer { fclose(stream) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        let decoder = JSONDecoder()
        while case let count = getline(&line, &capacity, stream), count > 0, let start = line {
            self.lines += 1
            if strstr(start, "\"state\":\"closed\"") == nil {
                if strstr(start, "\"event\":\"warning\"") != nil { self.noteWarning(start) }
                continue
            }
            let data = Data(bytesNoCopy: start, count: count, deallocator: .none)
            let closed = try decoder.decode(Closed.self, from: data)
            self.connections += 1
            for (name, counters) in [
                ("forward", closed.forward), ("backward", closed.backward),
            ] {
                self.total.add(counters)
                if !counters.isConserved {
                    self.unaccounted.append(
                        "\(closed.link) connection \(closed.connection) \(name): \(counters)")
                }
            }
        }
    }

    private mutating func noteWarning(_ line: UnsafePointer<CChar>) {
        struct Warning: Decodable { let message: String }
        let data = Data(String(cString: line).utf8)
        let warning = try? JSONDecoder().decode(Warning.self, from: data)
        // Numbers differ from one to the next.
        let text = (warning?.message ?? "unreadable").replacing(/[0-9]+/, with: "#")
        self.warnings[text, default: 0] += 1
    }
}
