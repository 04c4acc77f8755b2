import ChaosCore
import Foundation

/// The folder that holds everything a run left: `runs/TIME-NAME`.
package struct RunDirectory: Hashable, Sendable {
    /// The absolute path.
    package let path: String
    /// The path as people type it: relative to where `chaos` was started, if it lies below.
    package let shortPath: String
    /// The run's control socket. It lies in the folder unless that is too deep for a socket's path.
    package let socketPath: String

    /// How many bytes a socket's path may have, its end included: unix(7), 108; macOS, 104.
    #if os(Linux)
        package static let socketPathLimit = 108
    #else
        package static let socketPathLimit = 104
    #endif

    /// Makes a new folder for a run.
    ///
    /// - Parameters:
    ///   - root: The folder of all runs; it is made if it is missing.
    ///   - name: The scenario's name.
    ///   - time: When the run started, by the wall clock.
    /// - Throws: `InputError` when the folder cannot be made.
    package static func make(
        in root: String = "runs", name: String, time: Date = Date()
    ) throws(InputError) -> RunDirectory {
        let files = FileManager.default
        let absolute =
            root.hasPrefix("/") ? root : files.currentDirectoryPath + "/" + root
        do {
            try files.createDirectory(atPath: absolute, withIntermediateDirectories: true)
            let stem = "\(Self.timestamp(time))-\(Self.fileName(name))"
            for number in 1... {
                let folder = number == 1 ? stem : "\(stem)-\(number)"
                // Creating is the test: two runs that start at once get different folders.
                do {
                    try files.createDirectory(
                        atPath: "\(absolute)/\(folder)", withIntermediateDirectories: false)
                } catch CocoaError.fileWriteFileExists { continue }
                try files.createDirectory(
                    atPath: "\(absolute)/\(folder)/nodes", withIntermediateDirectories: false)
                Self.pointLatest(in: absolute, at: folder)
                return RunDirectory(
                    path: "\(absolute)/\(folder)",
                    shortPath: root.hasPrefix("/") ? "\(absolute)/\(folder)" : "\(root)/\(folder)",
                    socketPath: Self.socketPath(for: "\(absolute)/\(folder)"))
            }
            preconditionFailure("the loop above ends by returning or throwing")
        } catch {
            throw InputError(
                "a run needs a folder for what it leaves", found: absolute,
                hint: "\(error.localizedDescription); --runs names another one")
        }
    }

    private static func timestamp(_ time: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyyMMdd-HHmmss"
        return formatter.string(from: time)
    }

    private static func fileName(_ name: String) -> String {
        let kept = name.map { character in
            character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
                ? character : "-"
        }
        return kept.isEmpty ? "run" : String(kept.prefix(60))
    }

    private static func socketPath(for folder: String) -> String {
        let inside = folder + "/control.sock"
        if inside.utf8.count < Self.socketPathLimit { return inside }
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_RUNTIME_DIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        return "\(base)/chaos-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max)).sock"
    }

    private static func pointLatest(in root: String, at folder: String) {
        // A convenience: a run does not fail for want of it.
        let link = "\(root)/latest"
        let fresh = "\(root)/.latest-\(folder)"
        try? FileManager.default.createSymbolicLink(atPath: fresh, withDestinationPath: folder)
        if rename(fresh, link) != 0 { try? FileManager.default.removeItem(atPath: fresh) }
    }

    /// The path of a file in the folder.
    package func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// Writes a whole file, or replaces it; nobody ever sees half of it.
    package func write(_ text: String, to name: String) throws {
        try text.write(toFile: self.file(name), atomically: true, encoding: .utf8)
    }
}
