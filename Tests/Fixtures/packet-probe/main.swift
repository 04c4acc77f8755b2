// Measures what links of a lab do to packets, as the programs at their ends see it.
//
//   packet-probe scenario SET BACKEND COUNT MICROSECONDS [THINNED]
//                                                      a scenario whose links have a fault each
//   packet-probe send PORT COUNT MICROSECONDS NODE…    the node that sends; waits until all others are there
//   packet-probe receive PORT SENDER                   a node that receives, and says what came
//   packet-probe ask SOCKET REQUEST                    a live run's answer to one request
//   packet-probe judge SET FILE LABEL…                 compares what was measured with what was asked, and
//                                                      runs with each other
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
/// The set of links that is named first; SET is `few` or `many`.
func chosenSet() -> MeasurementSet {
    guard words.count > 1, let set = MeasurementSet(rawValue: words[1]) else { usage() }
    return set
}
func usage() -> Never {
    print("usage: packet-probe scenario|send|receive|ask|judge …")
    exit(64)
}

switch words.first {
case "scenario":
    if words.count < 5 { usage() }
    print(
        chosenSet().scenario(
            backend: words[2], count: number(3), interval: number(4),
            thinned: words.count > 5 ? number(5) : 1, program: CommandLine.arguments[0]))
case "send":
    if words.count < 5 { usage() }
    Sender(port: number(1), count: number(2), interval: number(3)).run(
        to: Array(words.dropFirst(4)))
case "receive":
    if words.count < 3 { usage() }
    print(Receiver(port: number(1)).run(from: words[2]).text)
case "judge":
    if words.count < 4 { usage() }
    let judge = Judge(set: chosenSet(), file: words[2], labels: Array(words.dropFirst(3)))
    exit(judge.run() ? 0 : 1)
case "ask":
    if words.count < 3 { usage() }
    print(Asking(socket: words[1]).answer(to: words[2]))
default: usage()
}
