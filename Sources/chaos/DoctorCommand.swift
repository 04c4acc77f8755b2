import ArgumentParser
import ChaosCore
import ChaosLab
import ChaosRun

/// Tells what this machine can do.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tells what this machine can do, and the command that mends what it cannot.")

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() {
        let diagnosis = thisMachine()
        if self.json {
            let object: JSONValue = [
                "lab": .bool(diagnosis.obstacle == nil), "findings": diagnosis.json,
            ]
            return printOutput(object.text)
        }
        for line in diagnosis.lines { printOutput(line) }
        printOutput("")
        printOutput("backend proxy  works, here and everywhere")
        if let obstacle = diagnosis.obstacle {
            printOutput("backend lab    does not work here: \(obstacle.name): \(obstacle.finding)")
            printOutput(
                "auto           takes the proxy, says where the lab would be better, and refuses what only "
                    + "the lab can do")
        } else {
            printOutput("backend lab    works here")
            printOutput(
                diagnosis.hasNetem
                    ? "backend netem  works here"
                    : "backend netem  is the lab here, with its packet switch: this kernel has no netem"
            )
            printOutput(
                "auto           takes the proxy, and the lab for what only the lab can do (mode 'unreachable', 'expose', "
                    + "'capture', 'engine') or a proxy would not see"
            )
        }
    }
}
