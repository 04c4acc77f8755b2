#if os(Linux)
    import Glibc

    /// Files in `/proc`, whose sizes are unknown until they are read.
    enum ProcFile {
        /// Reads all of a file; nothing where it cannot be read.
        static func read(_ path: String) -> [UInt8] {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0 { return [] }
            defer { close(descriptor) }
            var content: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                if count <= 0 { return content }
                content += buffer[..<count]
            }
        }
    }
#endif
