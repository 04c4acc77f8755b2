import Foundation

/// Where and beside what the bench ran.
struct Machine: Codable, Sendable {
    let system: String
    let processor: String
    let processors: Int
    let loadBefore: String
    /// Load averages over 1, 5 and 15 minutes at the end; the bench itself adds to them.
    private(set) var loadAfter = ""
    /// The share of all processors' time that went to processes which are none of the bench's.
    private(set) var othersShare = 0.0

    init() {
        var name = utsname()
        uname(&name)
        let release = withUnsafeBytes(of: &name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        self.system = "\(Self.distribution), kernel \(release)"
        self.processor = Self.value(of: "model name", in: "/proc/cpuinfo", separator: ":")
        self.processors = ProcessInfo.processInfo.activeProcessorCount
        self.loadBefore = Self.load
    }

    /// Notes the noise, once everything is measured.
    mutating func finish(from before: MachineUsage) {
        self.othersShare = MachineUsage().othersShare(since: before)
        self.loadAfter = Self.load
    }

    private static var distribution: String {
        Self.value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=")
            .trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }

    private static var load: String {
        let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? ""
        return text.split(separator: " ").prefix(3).joined(separator: " ")
    }

    private static func value(
        of key: String, in file: String, separator: Character
    ) -> String {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        let value = line?.split(separator: separator, maxSplits: 1).last
        return value.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    var text: String {
        """
        \(self.system); \(self.processors) × \(self.processor)
        load \(self.loadBefore) before, \(self.loadAfter) after; others took \
        \(String(format: "%.0f", self.othersShare * 100)) % of the processors' time meanwhile
        """
    }
}
