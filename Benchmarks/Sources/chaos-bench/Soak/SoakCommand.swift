import ArgumentParser
import Foundation

/// Keeps chaos under load and under change for minutes, and judges what came of it.
struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Soaks chaos: load, faults that change every 50 ms, kills; then a verdict.",
        discussion: """
            Three nodes and a server that check every byte, clients of many manners (streams, lines,
            slow, half-open, floods of connects and resets, many idle connections), and changes over
            the control socket, all drawn from the seed. It fails when a byte is wrong or not
            accounted for, when memory grows, when control requests take longer than 10 ms at p99, or
            when anything is left behind, also after kill -9.
            """)

    @Option(help: "The program chaos, built for release.")
    var chaos: String = ".build/release/chaos"

    @Option(name: .customLong("for"), help: "How long, such as 60s or 10m.")
    var duration: String = "10m"

    @Option(help: "The seed of all choices; without it one is drawn and printed.")
    var seed: UInt64?

    @Option(help: "How many connections stay open through one link.")
    var connections = 2000

    @Option(help: "How many runs are killed under load afterwards.")
    var kills = 4

    @Option(help: "Keep the runs' files in this folder, which must not exist.")
    var keep: String?

    private func seconds() throws -> Double {
        let units = ["s": 1.0, "m": 60.0]
        guard let unit = self.duration.last, let factor = units[String(unit)],
            let number = Double(self.duration.dropLast()), (1...86_400).contains(number * factor)
        else { throw ValidationError("--for: such as 60s or 10m, found '\(self.duration)'") }
        return number * factor
    }

    func validate() throws {
        _ = try self.seconds()
        if !(1...9000).contains(self.connections) {
            throw ValidationError("--connections: 1 to 9000, found '\(self.connections)'")
        }
        if !(0...100).contains(self.kills) {
            throw ValidationError("--kills: 0 to 100, found '\(self.kills)'")
        }
    }

    func run() throws {
        let seed = self.seed ?? UInt64.random(in: 1...999_999)
        let files = OpenFiles.raisedLimit()
        // Client and server of the soak hold a descriptor for each.
        if files < 2 * self.connections + 1000 {
            throw BenchError(
                "\(self.connections) connections need \(2 * self.connections + 1000) open files, "
                    + "the limit is \(files)\nhint: ulimit -n, or --connections with fewer")
        }
        let folder = try Folder.make(at: self.keep)
        let ending = Interruption(removing: self.keep == nil ? folder : nil)
        defer {
            ending.stop()
            if self.keep == nil { try? FileManager.default.removeItem(atPath: folder) }
        }
        var words = ["chaos-bench", "soak", "--chaos", self.chaos, "--for", self.duration]
        words += ["--seed", "\(seed)", "--connections", "\(self.connections)"]
        words += ["--kills", "\(self.kills)"]
        Progress.write("seed \(seed); repeat with: \(words.joined(separator: " "))\n")
        let soak = try Soak(
            chaos: Folder.program("--chaos", self.chaos), folder: folder, seed: seed,
            seconds: self.seconds(), connections: self.connections, kills: self.kills)
        let report = try soak.run()
        print(report.text)
        print("seed \(seed); repeat with: \(words.joined(separator: " "))")
        if !report.failures.isEmpty { throw ExitCode(1) }
    }
}
