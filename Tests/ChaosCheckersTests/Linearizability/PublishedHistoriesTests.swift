import ChaosCheckers
import ChaosCore
import Foundation
import Testing

/// Jepsen's runs against etcd, as published with Porcupine, with their verdicts; skipped where they are not present.
@Suite("Published histories")
struct PublishedHistoriesTests {
    @Test(.enabled(if: FileManager.default.fileExists(atPath: historiesFolder)))
    func etcd() throws {
        let folder = historiesFolder + "/porcupine-etcd/"
        let verdicts = try String(contentsOfFile: folder + "VERDICTS.tsv", encoding: .utf8)
        var count = 0
        for line in verdicts.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            let text = try String(contentsOfFile: folder + fields[0], encoding: .utf8)
            let finding = LinearizabilityChecker().check(try History(parsing: text))
            #expect(
                finding.verdict == (fields[1] == "true" ? .valid : .invalid),
                "\(fields[0]): \(finding.summary)")
            count += 1
        }
        #expect(count == 50)
    }
}

private let historiesFolder =
    ProcessInfo.processInfo.environment["CHAOS_HISTORIES"] ?? "/work/shared/histories"
