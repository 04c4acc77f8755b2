import CLinux

/// The pipe from which a process reads what a dialogue tells it.
struct InputPipe {
    /// The end that the process gets.
    let reading: Int32
    /// The end that the dialogue gets.
    let writing: Int32

    /// - Throws: `ProcessHostError` when there are no descriptors left.
    init() throws(ProcessHostError) {
        var ends: [Int32] = [-1, -1]
        let code = chaos_pipe(&ends)
        guard code == 0 else {
            throw ProcessHostError(
                .limit, "a node needs a pipe for its input: \(ProgramSearch.text(code))",
                hint: "raise the limit of open files: ulimit -n")
        }
        self.reading = ends[0]
        self.writing = ends[1]
    }
}
