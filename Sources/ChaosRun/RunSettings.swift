import ChaosCore
import ChaosScenario

/// Everything that decides a run beside the scenario.
package struct RunSettings: Sendable {
    /// What to run.
    package var scenario: Scenario
    /// The seed of every decision.
    package var seed: Seed
    /// How long the run lasts; wins over the scenario's own length.
    package var duration: Duration?
    /// A command that runs beside the cluster and whose end is the run's end, already in words.
    package var wrapped: [String]
    /// The folder of all runs.
    package var runsFolder: String
    /// The command that repeats this run, as people type it.
    package var repeatCommand: String
    /// Who is told what happens while it happens.
    package var console: RunConsole
    /// The version that `run.json` records.
    package var version: String
    /// Whether this process owns all its children, so that none may survive.
    package var ownsProcess: Bool
    /// Whether lines that nodes write are kept, so that somebody can wait for one.
    package var observesLines = false
    /// Whether code around the run drives it: only who made the run ends it, and what it does to the
    /// run counts like a schedule.
    package var isScripted = false

    /// Why the scenario's backend is what it is, in a clause; nil where nobody had a choice.
    package var backendReason: String?

    /// How many messages of framed ports are taken down for the report; nil for as many as usual.
    package var tracedMessages: Int?

    /// Makes settings.
    package init(
        scenario: Scenario, seed: Seed, duration: Duration? = nil, wrapped: [String] = [],
        runsFolder: String = "runs", repeatCommand: String, console: RunConsole = .silent,
        version: String, ownsProcess: Bool
    ) {
        self.scenario = scenario
        self.seed = seed
        self.duration = duration
        self.wrapped = wrapped
        self.runsFolder = runsFolder
        self.repeatCommand = repeatCommand
        self.console = console
        self.version = version
        self.ownsProcess = ownsProcess
    }
}

/// Who is told what happens in a run while it happens.
package struct RunConsole: Sendable {
    /// Takes one line; called from any task, in order per source.
    package let show: @Sendable (Line) -> Void

    /// Makes a console.
    package init(show: @escaping @Sendable (Line) -> Void) { self.show = show }

    /// Tells nobody.
    package static let silent = RunConsole { _ in }

    /// Something to tell.
    package enum Line: Sendable {
        /// What a run is, before it starts.
        case header([(label: String, value: String)])
        /// A line that a node printed.
        case node(NodeName, index: Int, text: String)
        /// Something happened to the run.
        case event(Instant, String)
        /// Something that people should know.
        case warning(String)
        /// How far the run is; replaces the progress before.
        case progress(Instant, String)
    }
}

/// Says why a run could not start or go on.
package struct RunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence, and perhaps a hint.
    package let description: String
    /// The exit code that fits.
    package let exitCode: Int32

    /// Makes an error; most say that the environment lacks something.
    package init(_ description: String, exitCode: Int32 = ChaosExit.unavailable) {
        self.description = description
        self.exitCode = exitCode
    }
}
