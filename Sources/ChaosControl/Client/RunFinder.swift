import ChaosCore
import Foundation

/// A run that left its `run.json`.
package struct RunRecord: Hashable, Sendable {
    /// The name of the scenario or command.
    package var name: String
    /// The run directory.
    package var directory: String
    /// The control socket.
    package var socket: String
    /// The process of `chaos`.
    package var pid: Int
    /// When it started, as the file says it.
    package var started: String

    /// Makes a record.
    package init(name: String, directory: String, socket: String, pid: Int, started: String) {
        self.name = name
        self.directory = directory
        self.socket = socket
        self.pid = pid
        self.started = started
    }

    /// Reads the `run.json` of a directory; `nil` if it has none or another version's.
    package init?(directory: String) {
        let file = URL(fileURLWithPath: directory).appendingPathComponent("run.json")
        guard let bytes = try? Data(contentsOf: file),
            let json = try? JSONValue(parsing: bytes),
            let socket = json["socket"]?.stringValue, let pid = json["pid"]?.intValue
        else { return nil }
        let isAbsolute = socket.hasPrefix("/")
        self.init(
            name: json["name"]?.stringValue ?? "", directory: directory,
            socket: isAbsolute ? socket : "\(directory)/\(socket)", pid: Int(pid),
            started: json["started"]?.stringValue ?? json["started"]?.text ?? "")
    }

    /// The last part of the directory, which `--run` accepts.
    package var directoryName: String { URL(fileURLWithPath: self.directory).lastPathComponent }
}

/// Finds the run that a command means.
package struct RunFinder: Sendable {
    /// Lists the runs that left a record, oldest first.
    package var records: @Sendable () -> [RunRecord]
    /// Tells whether somebody listens at a socket.
    package var isListening: @Sendable (_ path: String) -> Bool
    /// Where it looks, for sentences.
    package var place: String

    /// Makes a finder.
    package init(
        place: String, records: @escaping @Sendable () -> [RunRecord],
        isListening: @escaping @Sendable (String) -> Bool = RunFinder.isListening
    ) {
        self.place = place
        self.records = records
        self.isListening = isListening
    }

    /// Looks into the directories below one, by their `run.json`.
    package init(in directory: String = "runs") {
        self.init(place: directory) {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            return names.sorted().compactMap { name in
                let path = "\(directory)/\(name)"
                // `latest` is a link to one of the others.
                let isLink =
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
                return isLink ? nil : RunRecord(directory: path)
            }
        }
    }

    /// Whether somebody listens; a path that is too long has nobody.
    package static let isListening: @Sendable (String) -> Bool = { path in
        (try? UnixSocket.isListening(at: path)) ?? false
    }

    /// The runs that are live, oldest first.
    package func live() -> [RunRecord] { self.records().filter { self.isListening($0.socket) } }

    /// The one live run, or the one that is named by its directory, the directory's last part, or
    /// its name.
    ///
    /// - Throws: `RunChoiceError` when there is none, or more than one.
    package func find(_ wanted: String? = nil) throws(RunChoiceError) -> RunRecord {
        guard let wanted else { return try self.one(of: self.live(), otherwise: .none(self.place)) }
        let live = self.live()
        let named = live.filter { $0.directoryName == wanted }
        let isName =
            !wanted.contains("/") && (!named.isEmpty || live.contains { $0.name == wanted })
        let paths = isName ? [] : [wanted, "\(self.place)/\(wanted)"]
        if let record = paths.lazy.compactMap({ RunRecord(directory: $0) }).first {
            if self.isListening(record.socket) { return record }
            throw .ended(wanted)
        }
        return try self.one(
            of: named.isEmpty ? live.filter { $0.name == wanted } : named,
            otherwise: .notAmong(wanted, live))
    }

    private func one(
        of runs: [RunRecord], otherwise error: RunChoiceError
    ) throws(RunChoiceError) -> RunRecord {
        if runs.count > 1 { throw .several(runs) }
        guard let run = runs.first else { throw error }
        return run
    }
}

/// Says why no run could be chosen.
package enum RunChoiceError: Error, Hashable, CustomStringConvertible {
    /// Nothing is live in the place that was searched.
    case none(String)
    /// The directory is a run's that is over.
    case ended(String)
    /// No live run has the name.
    case notAmong(String, [RunRecord])
    /// More than one is meant.
    case several([RunRecord])

    /// The sentence, and a hint or the runs on lines of their own.
    package var description: String {
        switch self {
        case .none(let place):
            "no run is live in '\(place)'\nhint: start one with 'chaos run', or name its directory"
                + " with --run"
        case .ended(let directory): "the run in '\(directory)' is over"
        case .notAmong(let wanted, let live):
            "no live run has this name, found '\(wanted)'"
                + (live.isEmpty
                    ? "" : "\nhint: live are \(live.map(\.directoryName).joined(separator: ", "))")
        case .several(let runs):
            "several runs are live; choose one with --run\n"
                + runs.map { "  \($0.directoryName)  pid \($0.pid)  started \($0.started)" }
                .joined(separator: "\n")
        }
    }

    /// The exit code: 64 when a choice is missing, 69 when there is no run.
    package var exitCode: Int32 {
        if case .several = self { return 64 }
        return 69
    }
}
