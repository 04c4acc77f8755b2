import Foundation
import Testing

/// What a run wrote to `results.json`, as far as the examples' tests look at it.
struct ExampleResult: Decodable {
    struct Finding: Decodable {
        let checker: String
        let verdict: String
        let anomalies: [String]
    }

    struct Fault: Decodable {
        let text: String
        let touched: Int
        let hits: Int
    }

    struct Cut: Decodable {
        let link: String
        let crossedBytes: Int
    }

    struct Statistics: Decodable {
        struct Net: Decodable {
            struct Servers: Decodable { let msgsPerOp: Double }
            let servers: Servers
        }

        let net: Net?
    }

    let verdict: String?
    let statistics: Statistics?
    let findings: [Finding]
    let faults: [Fault]
    let cuts: [Cut]
    let warnings: [String]
}

extension ExampleRun {
    /// The result of the one run in this directory.
    func result() throws -> ExampleResult {
        let file = self.directory.appending(path: "runs/latest/results.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(ExampleResult.self, from: Data(contentsOf: file))
    }
}

/// Expects that each partition met connections, that nothing crossed it, and that these are all.
func expectCuts(_ texts: [String], in result: ExampleResult) {
    let cuts = result.faults.filter { $0.text.hasPrefix("partition ") }
    #expect(cuts.map(\.text) == texts)
    #expect(cuts.allSatisfy { $0.touched > 0 && $0.hits > 0 })
    #expect(!result.cuts.isEmpty && result.cuts.allSatisfy { $0.crossedBytes == 0 })
}
