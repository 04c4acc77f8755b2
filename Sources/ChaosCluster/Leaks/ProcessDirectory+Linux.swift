#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// What /proc tells of one process. It may be gone, or another user's, at any moment: then
    /// there is nothing to tell.
    struct ProcessDirectory {
        let pid: Int32

        /// The state in /proc/PID/stat that decides who a process is.
        struct Status {
            let name: String
            let parent: Int32
            let session: Int32
            /// Clock ticks since boot. With the pid it names one process for good.
            let started: UInt64
        }

        /// All processes, in the order of /proc.
        static func all() -> [ProcessDirectory] {
            var all: [ProcessDirectory] = []
            Self.visit("/proc") { _, name in
                if let pid = Int32(String(cString: name)) { all.append(ProcessDirectory(pid: pid)) }
            }
            return all
        }

        /// Who the process is, or nil when it is gone.
        var status: Status? {
            guard let content = Self.content(of: "/proc/\(self.pid)/stat"),
                let open = content.firstIndex(of: UInt8(ascii: "(")),
                let end = content.lastIndex(of: UInt8(ascii: ")"))
            else { return nil }
            // proc_pid_stat(5), from the third field: state ppid pgrp session … starttime (22).
            let fields = content[(end + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 19, let parent = Int32(Self.text(fields[1])),
                let session = Int32(Self.text(fields[3])),
                let started = UInt64(Self.text(fields[19]))
            else { return nil }
            return Status(
                name: Self.text(content[(open + 1)..<end]), parent: parent, session: session,
                started: started)
        }

        /// The value of a variable in the environment with which the program was started.
        func variable(_ name: String) -> String? {
            guard let content = Self.content(of: "/proc/\(self.pid)/environ") else { return nil }
            let prefix = Array("\(name)=".utf8)
            return content.split(separator: 0).first { $0.starts(with: prefix) }
                .map { Self.text($0.dropFirst(prefix.count)) }
        }

        /// Visits the inodes of the sockets that the process has open.
        func visitSockets(_ body: (UInt64) -> Void) {
            var buffer = [CChar](repeating: 0, count: 64)
            Self.visit("/proc/\(self.pid)/fd") { directory, name in
                let count = readlinkat(directory, name, &buffer, buffer.count - 1)
                if count <= 0 { return }
                buffer[count] = 0
                // `socket:[12345]`
                let prefix = "socket:["
                if strncmp(buffer, prefix, prefix.utf8.count) == 0 {
                    buffer.withUnsafeBufferPointer { text in
                        body(UInt64(strtoul(text.baseAddress! + prefix.utf8.count, nil, 10)))
                    }
                }
            }
        }

        private static func text(_ bytes: some Sequence<UInt8>) -> String {
            String(decoding: Array(bytes), as: UTF8.self)
        }

        /// Visits the entries of a directory, which is given as a descriptor.
        private static func visit(
            _ path: String, _ body: (Int32, UnsafePointer<CChar>) -> Void
        ) {
            guard let directory = opendir(path) else { return }
            defer { closedir(directory) }
            let descriptor = dirfd(directory)
            while let entry = readdir(directory) {
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { body(descriptor, $0) }
                }
            }
        }

        /// All of a file whose size is unknown until it has been read; nil when it cannot be.
        static func content(of path: String) -> [UInt8]? {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            if file < 0 { return nil }
            defer { close(file) }
            var content: [UInt8] = []
            // No larger than what the kernel gives at once; most files here are small.
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            while true {
                let count = read(file, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                if count < 0 { return nil }
                if count == 0 { return content }
                content += buffer[..<count]
            }
        }
    }
#endif
