import Foundation
import NIOConcurrencyHelpers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps all proxies in a file, so that a restart finds them again. Whoever reads it finds the old state
/// or the new one, never half of one, even after a crash of the machine.
final class StateFile: Sendable {
    let path: String
    private let last = NIOLockedValueBox("")

    init(path: String) { self.path = path }

    /// What was kept last, if anything was.
    func read() throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: self.path) else { return nil }
        return Array(try Data(contentsOf: URL(fileURLWithPath: self.path)))
    }

    /// Puts a file that cannot be read out of the way; returns where it is then.
    func setAside() -> String? {
        let place = self.path + ".bad"
        return rename(self.path, place) == 0 ? place : nil
    }

    /// Writes beside the file, makes sure that it is on the disk, and renames.
    ///
    /// - Throws: `StateFileError` that says which step failed and why.
    func write(_ text: String) throws {
        if self.last.withLockedValue({ $0 == text }) { return }
        let beside = self.path + ".new"
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw StateFileError("open", beside) }
        do {
            defer { close(descriptor) }
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    #if canImport(Glibc)
                        Glibc.write(descriptor, $0.baseAddress, $0.count)
                    #else
                        Darwin.write(descriptor, $0.baseAddress, $0.count)
                    #endif
                }
                if count < 0 { throw StateFileError("write", beside) }
                rest = rest.dropFirst(count)
            }
            if fsync(descriptor) != 0 { throw StateFileError("sync", beside) }
        }
        if rename(beside, self.path) != 0 { throw StateFileError("replace", self.path) }
        let folder = (self.path as NSString).deletingLastPathComponent
        let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            // The rename is done; where a folder cannot be synced, that is how far it goes.
            _ = fsync(directory)
            close(directory)
        }
        self.last.withLockedValue { $0 = text }
    }
}

/// Says why the state could not be kept.
struct StateFileError: Error, CustomStringConvertible {
    let description: String

    init(_ step: String, _ path: String) {
        self.description = "cannot \(step) '\(path)': \(String(cString: strerror(errno)))"
    }
}
