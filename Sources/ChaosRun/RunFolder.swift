import ChaosCore
import Foundation

/// The directory of a run that is over, and what lies in it.
package struct RunFolder: Sendable {
    /// Where it lies.
    package let path: String

    /// Finds a run.
    ///
    /// - Parameter path: The directory, or its last part below `runs`.
    /// - Throws: `InputError` when there is no run.
    package init(_ path: String) throws(InputError) {
        let found = [path, "runs/\(path)"].first {
            FileManager.default.fileExists(atPath: "\($0)/run.json")
        }
        guard let found else {
            throw InputError(
                "a run directory has a 'run.json'", found: path,
                hint: "'runs/latest' is the last run's")
        }
        self.path = Self.resolved(found)
    }

    /// The directory itself, where this is a link to it: 'latest' is another run's as soon as one is started.
    private static func resolved(_ directory: String) -> String {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: directory)
        else { return directory }
        if target.hasPrefix("/") { return target }
        return (directory as NSString).deletingLastPathComponent + "/" + target
    }

    /// One of its files.
    package func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// One of its files that the run wrote when it was over.
    ///
    /// - Throws: `InputError` when it is not there or no JSON.
    func json(_ name: String) throws(InputError) -> JSONValue {
        guard let data = FileManager.default.contents(atPath: self.file(name)),
            let value = try? JSONValue(parsing: Array(data))
        else {
            throw InputError(
                "\(self.path): '\(name)' cannot be read",
                hint: "a run that was killed, or is still going on, has no results")
        }
        return value
    }

    /// The lines of one of its files, one after the other and without their ends, however long it is; none
    /// of one that is not there.
    func forEachLine(of name: String, _ body: (ArraySlice<UInt8>) -> Void) {
        guard let file = FileHandle(forReadingAtPath: self.file(name)) else { return }
        defer { try? file.close() }
        var rest: [UInt8] = []
        while let data = try? file.read(upToCount: 1 << 20), !data.isEmpty {
            rest += data
            var begin = 0
            while let end = rest[begin...].firstIndex(of: 0x0A) {
                body(rest[begin..<end])
                begin = end + 1
            }
            rest.removeFirst(begin)
        }
        if !rest.isEmpty { body(rest[...]) }
    }
}
