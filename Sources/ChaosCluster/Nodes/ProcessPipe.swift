import CLinux

/// A pipe between chaos and a process, both ends closed on exec(2). Whoever made it closes them.
package struct ProcessPipe: Sendable {
    /// The end to read from.
    package let reading: Int32
    /// The end to write to.
    package let writing: Int32

    /// - Throws: `ProcessHostError` when there are no descriptors left.
    package init() throws(ProcessHostError) {
        var ends: [Int32] = [-1, -1]
        let code = chaos_pipe(&ends)
        guard code == 0 else {
            throw ProcessHostError(
                .limit, "a process needs a pipe: \(ProgramSearch.text(code))",
                hint: "raise the limit of open files: ulimit -n")
        }
        self.reading = ends[0]
        self.writing = ends[1]
    }

    /// Closes an end.
    package static func close(_ end: Int32) { _ = systemClose(end) }
}
