import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What one run leaves: `runs/TIME-NAME` and the files in it.
///
/// ```text
/// run.json        seed, command, pid, version, backend, start, socket
/// scenario.yaml   as it was run
/// journal.jsonl   decisions and events          history.jsonl   what clients saw
/// results.json    verdict and counters          nodes/n1.log    what n1 wrote
/// control.sock    while the run lives           nodes/n1/       n1's own directory, {dir}
/// ```
///
/// As long as this value exists the directory is locked (flock(2)), which is how other commands
/// know that the run is alive: a lock ends with its process, a number may be given out again.
package final class RunDirectory: Sendable {
    /// The directory, absolute.
    package let path: String
    /// Where Unix sockets lie, the control socket among them.
    package let socketDirectory: String
    /// Set when the sockets had to lie elsewhere: it must be removed at the end.
    package var temporaryDirectory: String? {
        self.socketDirectory == self.path ? nil : self.socketDirectory
    }

    private let lock: Int32

    /// Makes a new directory, and a link `latest` beside it.
    ///
    /// - Parameters:
    ///   - parent: Where runs lie; made when it does not exist.
    ///   - name: What the run is called; letters, digits, `_`, `-` and `.` of it are kept.
    ///   - time: When it started, by the wall clock.
    ///   - longestSocketName: Bytes of the longest name that a socket of the run will have. Where
    ///     the directory is too deep for it, sockets lie in `$XDG_RUNTIME_DIR` or `/tmp`.
    ///   - runtimeDirectory: The value of `XDG_RUNTIME_DIR`.
    /// - Throws: `InputError` that names the path when the system refuses.
    package init(
        in parent: String = "runs", name: String, time: WallTime = .now,
        longestSocketName: Int = 0, runtimeDirectory: String? = nil
    ) throws(InputError) {
        let parent = try Self.makeParent(parent)
        let stem = "\(time.fileName)-\(Self.fileName(of: name))"
        self.path = try Self.makeUnique("\(parent)/\(stem)")
        try Self.make("\(self.path)/nodes")
        let length = max(longestSocketName, "control.sock".utf8.count) + 1
        if self.path.utf8.count + length <= SocketPath.limit {
            self.socketDirectory = self.path
        } else {
            self.socketDirectory = try Self.makeTemporary(in: runtimeDirectory ?? "/tmp")
        }
        self.lock = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard self.lock >= 0, flock(self.lock, LOCK_EX | LOCK_NB) == 0 else {
            throw Self.error("a run's directory must be lockable", self.path)
        }
        Self.link("\(parent)/latest", to: String(self.path.dropFirst(parent.utf8.count + 1)))
    }

    deinit { _ = systemClose(self.lock) }

    /// The control socket.
    package var socketPath: String { "\(self.socketDirectory)/control.sock" }

    /// A file of the run by its name.
    package func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// The log of a node.
    package func log(of node: NodeName) -> String { self.file("nodes/\(node).log") }

    /// A node's own directory, which is made.
    ///
    /// - Throws: `InputError` that names the path when the system refuses.
    package func directory(of node: NodeName) throws(InputError) -> String {
        let path = self.file("nodes/\(node)")
        try Self.make(path)
        return path
    }

    /// Replaces a file as a whole: a reader sees the old text or the new one.
    ///
    /// - Throws: `InputError` that names the path when the system refuses.
    package func write(_ text: String, to name: String) throws(InputError) {
        let path = self.file(name)
        let draft = path + ".new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw Self.error("a file of the run must be writable", path) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { break }
            rest = rest.dropFirst(count)
        }
        let code = errno
        _ = systemClose(file)
        errno = code
        guard rest.isEmpty, rename(draft, path) == 0 else {
            throw Self.error("a file of the run must be writable", path)
        }
    }

    /// Writes `run.json`.
    ///
    /// - Throws: `InputError` that names the path when the system refuses.
    package func write(_ record: RunRecord) throws(InputError) {
        try self.write(record.json.text + "\n", to: "run.json")
    }
}

/// write(2) under a name that no method shadows.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}

extension RunDirectory {
    private static func error(_ rule: String, _ path: String) -> InputError {
        InputError("\(rule): \(ProgramSearch.text(errno))", found: path)
    }

    private static func fileName(of name: String) -> String {
        let plain = name.map { character in
            character.isASCII
                && (character.isLetter || character.isNumber || "._-".contains(character))
                ? character : "-"
        }
        let text = String(plain.prefix(60))
        return text.isEmpty ? "run" : text
    }

    private static func make(_ path: String) throws(InputError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw self.error("a directory of the run must be creatable", path)
        }
    }

    /// Makes all directories of a path and returns it absolute.
    private static func makeParent(_ path: String) throws(InputError) -> String {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            try self.make(made)
        }
        guard let absolute = realpath(path, nil) else {
            throw self.error("the directory of runs must exist", path)
        }
        defer { free(absolute) }
        return String(cString: absolute)
    }

    private static func makeUnique(_ path: String) throws(InputError) -> String {
        for attempt in 1...1000 {
            let candidate = attempt == 1 ? path : "\(path)-\(attempt)"
            if mkdir(candidate, 0o755) == 0 { return candidate }
            guard errno == EEXIST else { break }
        }
        throw self.error("a directory of the run must be creatable", path)
    }

    private static func makeTemporary(in parent: String) throws(InputError) -> String {
        var template = Array("\(parent)/chaos-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw self.error("a directory for sockets must be creatable", parent)
        }
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Points a link somewhere else at once; losing a race for it matters to nobody.
    private static func link(_ link: String, to target: String) {
        let draft = "\(link).\(getpid())"
        unlink(draft)
        if symlink(target, draft) == 0, rename(draft, link) != 0 { unlink(draft) }
    }
}
