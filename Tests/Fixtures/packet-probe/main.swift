// Measures what links of a lab do to packets, as the programs at their ends see it.
//
//   packet-probe scenario BACKEND COUNT MICROSECONDS   a scenario whose links have a fault each
//   packet-probe send PORT COUNT MICROSECONDS NODE…    the node that sends; waits until all others are there
//   packet-probe receive PORT SENDER                   a node that receives, and says what came
//   packet-probe judge FILE                            compares what was measured with what was asked
//
// A line that is judged is `@@ LABEL NODE {…}`: what a receiver said, with a label of the run in front.

import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

let words = Array(CommandLine.arguments.dropFirst())
func number(_ index: Int) -> Int {
    guard words.indices.contains(index), let value = Int(words[index]) else { usage() }
    return value
}
func usage() -> Never {
    print("usage: packet-probe scenario|send|receive|judge …")
    exit(64)
}

switch words.first {
case "scenario":
    if words.count < 4 { usage() }
    print(
        Measurement.scenario(
            backend: words[1], count: number(2), interval: number(3),
            program: CommandLine.arguments[0]))
case "send":
    if words.count < 5 { usage() }
    Sender(port: number(1), count: number(2), interval: number(3)).run(
        to: Array(words.dropFirst(4)))
case "receive":
    if words.count < 3 { usage() }
    print(Receiver(port: number(1)).run(from: words[2]).text)
case "judge":
    if words.count < 2 { usage() }
    exit(Judge(file: words[1]).run() ? 0 : 1)
default: usage()
}
