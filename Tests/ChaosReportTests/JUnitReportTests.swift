import ChaosCheckers
import ChaosCore
import ChaosReport
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("JUnit files")
struct JUnitReportTests {
    @Test func oneCaseForEachScenarioAndSeed() throws {
        var passed = sampleResult()
        passed.verdict = .valid
        passed.exitCode = 0
        passed.seed = Seed(43)
        var unknown = passed
        unknown.verdict = .unknown
        unknown.exitCode = 2
        unknown.scenario = "a<b>\"&\u{01}"
        unknown.reasons = ["schedule[0] touched nothing: 'x' & <y>"]
        let text = JUnitReport.render([sampleResult(), passed, unknown])
        let document = try XMLDocument(xmlString: text)
        func values(_ path: String) throws -> [String] {
            try document.nodes(forXPath: path).map { $0.stringValue ?? "" }
        }
        #expect(try values("/testsuites/@tests") == ["3"])
        #expect(try values("/testsuites/@failures") == ["1"])
        #expect(try values("/testsuites/@errors") == ["1"])
        #expect(try values("//testsuite/@name") == ["split-brain", "a<b>\"&\u{FFFD}"])
        #expect(
            try values("//testcase/@name") == ["seed 42", "seed 43", "seed 42"].dropLast() + [
                "seed 43"
            ])
        #expect(try values("//testcase/@time") == ["30.250", "30.250", "30.250"])
        #expect(try values("//failure/@message") == ["set-full: 3 of 120 values lost"])
        #expect(try values("//error/@type") == ["unknown"])
        #expect(
            try values("//error/@message") == ["schedule[0] touched nothing: 'x' & <y>"])
        #expect(try values("//failure")[0].contains("panic: <disk> & \"heat\""))
        #expect(
            try values("//testcase[@name='seed 42']/system-out")[0]
                == "repeat: chaos test examples/demo/split-brain.yaml --seed 42")
    }

    @Test(
        "a run that proved nothing is an error, not green",
        arguments: [
            (Int32(2), "unknown"), (75, "died"), (130, "interrupted"), (69, "exit-69"),
        ])
    func errors(code: Int32, type: String) {
        var result = sampleResult()
        result.exitCode = code
        #expect(JUnitReport.render([result]).contains("<error type=\"\(type)\""))
    }
}
