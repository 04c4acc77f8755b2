#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An input that is at its end, for a process that nobody talks to.
struct NullInput: ~Copyable {
    let descriptor: Int32

    /// - Throws: `ProcessHostError` when there are no descriptors left.
    init() throws(ProcessHostError) {
        self.descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard self.descriptor >= 0 else {
            throw ProcessHostError(
                .limit, "/dev/null must be readable: \(ProgramSearch.text(errno))")
        }
    }

    deinit { _ = systemClose(self.descriptor) }
}
