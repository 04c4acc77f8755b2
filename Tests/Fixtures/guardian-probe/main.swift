// A program that embeds a ProcessHost, for tests that kill it: `guardian-probe RUN FILE SCRIPT COUNT`.
//
// It starts COUNT shells with SCRIPT, has FILE unlinked at the end, prints `ready GUARDIAN-PID`,
// and waits. `own` as a fifth word lets it end all its children if the guardian dies.

import ChaosCluster
import Foundation
import OrderedCollections

let words = CommandLine.arguments
let (run, file, script, count) = (words[1], words[2], words[3], Int(words[4]) ?? 1)

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

let host = try ProcessHost(run: run, ownsAllChildren: words.count > 5) { sentence in
    say("fault \(sentence)")
}
try await host.unlinkAtEnd(file)
let null = open("/dev/null", O_RDWR | O_CLOEXEC)
say("guardian \(host.guardian)")
for number in 1...count {
    _ = try await host.spawn(
        SpawnRequest(
            command: ["sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], directory: "/",
            streams: .init(input: null, output: null, error: null), family: "n\(number)"))
}
say("ready \(host.guardian)")
while true { try await Task.sleep(for: .seconds(3600)) }
