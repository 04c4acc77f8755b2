import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A run that is going on, found by its directory.
package struct LiveRun: Hashable, Sendable {
    /// Its directory, absolute.
    package let path: String
    package let record: RunRecord
}

extension RunDirectory {
    /// The runs of a directory whose chaos is alive, oldest first.
    ///
    /// A run counts as soon as it has written `run.json`.
    package static func live(in parent: String = "runs") -> [LiveRun] {
        guard let absolute = realpath(parent, nil), let directory = opendir(absolute) else {
            return []
        }
        let path = String(cString: absolute)
        free(absolute)
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)
                ) { String(cString: $0) }
            }
            // `latest` is another name of one of them.
            if !name.hasPrefix("."), name != "latest" { names.append(name) }
        }
        return names.sorted().compactMap { self.liveRun(at: "\(path)/\($0)") }
    }

    /// The run of one directory, if its chaos is alive.
    package static func liveRun(at path: String) -> LiveRun? {
        guard self.isLocked(path), let bytes = self.read("\(path)/run.json"),
            let json = try? JSONValue(parsing: bytes), let record = RunRecord(json: json)
        else { return nil }
        return LiveRun(path: path, record: record)
    }

    private static func isLocked(_ path: String) -> Bool {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return false }
        defer { _ = systemClose(directory) }
        return flock(directory, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 256 * 1024)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes.prefix(count))
    }
}
