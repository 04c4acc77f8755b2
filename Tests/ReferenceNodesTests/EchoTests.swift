import ChaosCheckers
import ChaosCore
import Testing

@testable import NodeKit
@testable import ReferenceNodes

@Suite("Echo in virtual time")
struct EchoTests {
    private func finding(
        _ variant: String, nodes: Int = 3,
        fate: (@Sendable (Message) -> ClusterSimulation.Fate?)? = nil
    ) throws -> Finding {
        var cluster = try ClusterSimulation("echo", variant, nodes: nodes)
        // Messages keep their order, as on a connection.
        cluster.latency = .microseconds(500)...Duration.microseconds(500)
        cluster.fate = fate
        cluster.load(EchoWorkload(), clients: 6, pause: .milliseconds(20), for: .seconds(4))
        return try cluster.finding("echo")
    }

    @Test(arguments: ["plain", "relay", "relay-fifo", "one-read"], [1, 3])
    func withoutFaultsAllAreRight(variant: String, nodes: Int) throws {
        let finding = try self.finding(variant, nodes: nodes)
        #expect(finding.verdict == .valid, "\(finding.summary)")
    }

    /// One answer never comes.
    @Test(arguments: [("relay", Verdict.valid), ("relay-fifo", .invalid)])
    func whoTakesAnswersInOrderGivesThemToTheWrongOnes(variant: String, verdict: Verdict) throws {
        let finding = try self.finding(variant) { message in
            message.type == "relayed_ok" && message["echo"] == "Please echo 9" ? .isLost : nil
        }
        #expect(finding.verdict == verdict, "\(finding.summary)")
        #expect(finding.anomalies == (verdict == .valid ? [] : ["wrong-echo"]))
    }

    @Test func aReaderThatTakesReadsForMessagesNeedsLuck() {
        var right = LineReader(for: EchoNode())
        var wrong = LineReader(for: OneReadEcho())
        let line = Array("{}".utf8)
        #expect(right.read(Array("{}\n".utf8)) == [.line(line)])
        #expect(wrong.read(Array("{}\n".utf8)) == [.line(line)])
        #expect(right.read(Array("{".utf8)) == [])
        #expect(right.read(Array("}\n{}\n".utf8)) == [.line(line), .line(line)])
        #expect(wrong.read(Array("{".utf8)) == [.line(Array("{".utf8))])
        #expect(wrong.read(Array("}\n{}\n".utf8)) == [.line(Array("}\n{}".utf8))])
    }
}
