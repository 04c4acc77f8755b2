import Foundation
import Testing

/// `chaos check-history` as people use it alone.
@Suite(.serialized) struct CheckHistoryTests {
    private static let skew = """
        {:process 0, :type :invoke, :f :txn, :value [[:r :x nil] [:append :y 1]]}
        {:process 1, :type :invoke, :f :txn, :value [[:r :y nil] [:append :x 1]]}
        {:process 0, :type :ok, :f :txn, :value [[:r :x []] [:append :y 1]]}
        {:process 1, :type :ok, :f :txn, :value [[:r :y []] [:append :x 1]]}
        {:process 2, :type :invoke, :f :txn, :value [[:r :x nil] [:r :y nil]]}
        {:process 2, :type :ok, :f :txn, :value [[:r :x [1]] [:r :y [1]]]}

        """

    @Test func theVerdictIsTheExitCode() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.skew, to: "skew.edn")
        let strict = try await directory.finished(
            "check-history", "--model", "list-append", "skew.edn")
        #expect(strict.code == 1)
        let first =
            "INVALID  skew.edn  not strict-serializable: 1 G2-item; not even repeatable-read\n"
        #expect(strict.out.hasPrefix(first))
        let snapshot = try await directory.finished(
            "check-history", "--model", "list-append", "--consistency-models", "snapshot-isolation",
            "skew.edn")
        #expect(snapshot.code == 0)
        #expect(
            snapshot.out
                == "VALID  skew.edn  3 transactions are snapshot-isolation, with 1 G2-item\n")
        let other = try await directory.finished("check-history", "--model", "kafka", "skew.edn")
        #expect(other.code == 2)
        #expect(other.out.hasPrefix("UNKNOWN  skew.edn  the value of 'txn' at index 2 must be"))
    }

    @Test func jsonIsOneObjectAFile() async throws {
        let directory = try TestDirectory()
        try directory.write(Self.skew, to: "skew.edn")
        let run = try await directory.finished(
            "check-history", "--model", "list-append", "--format", "json", "skew.edn", "skew.edn")
        #expect(run.code == 1)
        let lines = run.out.split(separator: "\n")
        #expect(lines.count == 2)
        for line in lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["verdict"] as? String == "invalid")
            #expect(object?["anomalies"] as? [String] == ["G2-item"])
        }
    }

    @Test func mistakesAreOneSentence() async throws {
        let directory = try TestDirectory()
        try directory.write("{:type :ok", to: "bad.edn")
        let bad = try await directory.finished("check-history", "--model", "mutex", "bad.edn")
        #expect(bad.code == 65)
        #expect(bad.err == "bad.edn: line 1, column 1: a list that starts here needs its '}'\n")
        let none = try await directory.finished("check-history", "--model", "mutex", "none.edn")
        #expect(none.code == 65)
        #expect(none.err == "none.edn: there is no such file\n")
        let model = try await directory.finished("check-history", "--model", "mutx", "bad.edn")
        #expect(model.code == 64)
        #expect(model.errLines.last == "hint: did you mean 'mutex'?")
        let level = try await directory.finished(
            "check-history", "--model", "list-append", "--consistency-models", "serialisable",
            "bad.edn")
        #expect(level.code == 64)
        #expect(
            level.errLines == [
                "there is no such consistency model, found 'serialisable'",
                "hint: did you mean 'serializable'?",
            ])
    }
}
