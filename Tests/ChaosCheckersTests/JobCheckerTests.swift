import ChaosCheckers
import ChaosCore
import Testing

@Suite("Jobs of map-reduce")
struct JobCheckerTests {
    private static let job = #"{"job":"j1","fn":"words","input":"foo\nbar\nfoo\nbaz"}"#

    private func judge(_ end: String, after more: String = "") throws -> Finding {
        try finding("jobs", [:], "0 0 call job \(Self.job)\n5 0 \(end)\n\(more)")
    }

    @Test func anExactResultIsValid() throws {
        let good = try self.judge(#"ok job {"foo":2,"bar":1,"baz":1}"#)
        #expect(good.verdict == .valid && good.summary == "1 job with 3 counts, all exact")
    }

    @Test(arguments: [
        (#"ok job {"foo":3,"bar":1,"baz":1}"#, "'foo' 3 times instead of 2"),
        (#"ok job {"foo":2,"bar":1}"#, "'baz' not at all instead of 1"),
        (#"ok job {"foo":2,"bar":1,"ba":1,"z":1}"#, "'ba' 1 times instead of 0"),
    ])
    func aWrongCountIsNot(_ end: String, line: String) throws {
        let bad = try self.judge(end)
        #expect(bad.verdict == .invalid && bad.anomalies == ["wrong-result"])
        #expect(bad.evidence.contains { $0.hasSuffix(line) }, "\(bad.evidence)")
    }

    @Test func linesAreCountedWhole() throws {
        let script = #"""
            0 0 call job {"job":"j1","fn":"lines","input":"1\n2\n2\n"}
            1 0 ok job {"1":1,"2":2}
            """#
        #expect(try finding("jobs", [:], script).verdict == .valid)
    }

    /// A job that kills whoever does it has to be given up, while others are done.
    @Test func poisonHasToBeGivenUp() throws {
        let poisoned = #"{"job":"j2","fn":"words","input":"foo\npoison"}"#
        func judge(_ end: String) throws -> Finding {
            try self.judge(
                #"ok job {"foo":2,"bar":1,"baz":1}"#, after: "6 0 call job \(poisoned)\n7 0 \(end)")
        }
        let good = try judge("fail job null")
        #expect(good.verdict == .valid)
        #expect(good.summary.hasSuffix(", and 1 given up that nobody could do"))
        #expect(try judge("info job null").anomalies == ["not-finished"])
        #expect(try judge(#"ok job {"foo":1}"#).anomalies == ["wrong-result"])
    }

    @Test func aJobMustEndAndEndOnce() throws {
        #expect(try self.judge("info job null").anomalies == ["not-finished"])
        #expect(try self.judge("fail job null").anomalies == ["failed-job"])
        #expect(try finding("jobs", [:], "0 0 call job \(Self.job)").anomalies == ["not-finished"])
        let right = #"ok job {"foo":2,"bar":1,"baz":1}"#
        #expect(try self.judge(right, after: #"6 0 run results {"j1":1}"#).verdict == .valid)
        #expect(
            try self.judge(right, after: #"6 0 run results {"j1":2}"#).anomalies == ["two-results"])
        #expect(try finding("jobs", [:], "0 0 run read 1").verdict == .unknown)
    }
}
