import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds programs as a shell would, and says why one cannot run.
enum ProgramSearch {
    /// What execve(2) is given for the first word of a command.
    ///
    /// - Throws: `ProcessHostError` when the word has no slash and `path` holds no such program.
    static func locate(
        _ word: String, path: String?, directory: String
    ) throws(ProcessHostError) -> String {
        if word.contains("/") { return word }
        // What execvp(3) takes without a PATH.
        let folders = (path ?? "/bin:/usr/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        for folder in folders {
            let candidate = folder.isEmpty ? "\(directory)/\(word)" : "\(folder)/\(word)"
            if self.isRunnable(candidate) { return candidate }
        }
        let isHere = self.isRunnable("\(directory)/\(word)")
        throw ProcessHostError(
            .program, "the program must be in PATH, found '\(word)'",
            hint: isHere ? "it lies in the working directory: write './\(word)'" : nil)
    }

    /// The sentence for a spawn that failed at this step with this errno.
    static func failure(
        step: UInt32, errno code: Int32, program: String, directory: String
    ) -> ProcessHostError {
        switch Int(step) {
        case CHAOS_STEP_LIMIT where code == ESHUTDOWN:
            return ProcessHostError(.noGuardian, "no process starts while the run is ending")
        case CHAOS_STEP_LIMIT:
            return ProcessHostError(
                .limit, "arguments, environment and processes must stay within the limits",
                hint: "\(CHAOS_STRING_LIMIT) strings, \(CHAOS_PAYLOAD_LIMIT) bytes, "
                    + "\(CHAOS_SPAWN_LIMIT) processes")
        case CHAOS_STEP_FORK:
            return ProcessHostError(.limit, "a process must be startable: \(self.text(code))")
        case CHAOS_STEP_DIRECTORY where code == ENOENT:
            return ProcessHostError(
                .directory, "the working directory must exist, found '\(directory)'")
        case CHAOS_STEP_DIRECTORY:
            return ProcessHostError(
                .directory,
                "the working directory must be enterable, found '\(directory)': \(self.text(code))")
        case CHAOS_STEP_USER:
            return ProcessHostError(
                .system, "a process must become its user: \(Self.text(code))")
        case CHAOS_STEP_NAMESPACE:
            return ProcessHostError(
                .system, "the process must get its place in the lab: \(self.text(code))",
                hint: "'chaos doctor' tells what this machine lacks")
        case CHAOS_STEP_PROGRAM:
            return self.programFailure(errno: code, program: program, directory: directory)
        default:
            return ProcessHostError(.system, "the process must get its streams: \(self.text(code))")
        }
    }

    private static func programFailure(
        errno code: Int32, program: String, directory: String
    ) -> ProcessHostError {
        let place = program.hasPrefix("/") ? program : "\(directory)/\(program)"
        switch code {
        case ENOENT where access(place, F_OK) == 0:
            return ProcessHostError(
                .program, "the program's interpreter must exist, found '\(program)'",
                hint: "see its '#!' line, or its dynamic loader")
        case ENOENT:
            return ProcessHostError(
                .program, "the program must exist, found '\(program)'",
                hint: program.hasPrefix("/") ? nil : "it was looked for in '\(directory)'")
        case EACCES:
            return ProcessHostError(
                .program, "the program must be executable, found '\(program)'",
                hint: "chmod +x '\(program)'")
        case ENOEXEC:
            return ProcessHostError(
                .program, "the program must be a binary or begin with '#!', found '\(program)'")
        default:
            return ProcessHostError(
                .program, "the program must be runnable, found '\(program)': \(self.text(code))")
        }
    }

    private static func isRunnable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }

    /// The system's words for an errno, and its number.
    static func text(_ code: Int32) -> String {
        "\(String(cString: strerror(code)).lowercased()) (errno \(code))"
    }
}
