// A program for tests of ChaosCluster.
//
// `guardian-probe host RUN FILE SCRIPT COUNT [own]` embeds a ProcessHost and is killed: it starts
// COUNT shells with SCRIPT, has FILE unlinked at the end, prints `ready GUARDIAN-PID`, and waits.
// With `own` it may end all its children if the guardian dies.
//
// `guardian-probe serve ADDRESS PORT STATUS` is a node.
//
// `guardian-probe talk [listen|dial ADDRESS PORT]…` is a node that stays connected.

import ChaosCluster
import Foundation
import OrderedCollections

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func host(run: String, file: String, script: String, count: Int, owns: Bool) async throws {
    let host = try ProcessHost(run: run, ownsAllChildren: owns) { say("fault \($0)") }
    try await host.unlinkAtEnd(file)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    say("guardian \(host.guardian)")
    for number in 1...count {
        _ = try await host.spawn(
            SpawnRequest(
                command: ["sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
                directory: "/", streams: .init(input: null, output: null, error: null),
                family: "n\(number)"))
    }
    say("ready \(host.guardian)")
    while true { try await Task.sleep(for: .seconds(3600)) }
}

let words = CommandLine.arguments
switch words[1] {
case "serve": try serve(words[2], port: UInt16(words[3]) ?? 0, status: words[4])
case "talk": try talk(Array(words.dropFirst(2)))
default:
    try await host(
        run: words[2], file: words[3], script: words[4], count: Int(words[5]) ?? 1,
        owns: words.count > 6)
}
