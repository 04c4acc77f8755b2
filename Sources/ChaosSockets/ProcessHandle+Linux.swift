#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #else
        import Musl
    #endif

    /// What /proc tells of one process, and of no other: the directory is held open, and the kernel
    /// ties an open directory of /proc to the process, not to its number. Once the process is gone
    /// nothing more is told, whoever has its number then.
    package final class ProcessHandle {
        /// The process's number.
        package let pid: Int32
        private let directory: Int32
        /// The list of its descriptors, once it was asked for.
        private var descriptors: OpaquePointer?
        private var target = [CChar](repeating: 0, count: 64)

        /// What /proc/PID/stat says.
        package struct Status: Sendable {
            /// The name of the program, at most 15 bytes of it.
            package let name: String
            /// The process that started it, or that adopted it.
            package let parent: Int32
            /// The session it is in.
            package let session: Int32
            /// Clock ticks since boot. With the pid it names one process for good.
            package let started: UInt64
        }

        /// Takes hold of a process; nil when there is none.
        package init?(pid: Int32) {
            let directory = open("/proc/\(pid)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if directory < 0 { return nil }
            self.pid = pid
            self.directory = directory
        }

        deinit {
            if let descriptors { closedir(descriptors) }
            close(self.directory)
        }

        /// All processes that there are, in the order of /proc.
        package static func all() -> [Int32] {
            guard let directory = opendir("/proc") else { return [] }
            defer { closedir(directory) }
            var all: [Int32] = []
            Self.visit(directory) { _, name in
                if let pid = Self.number(name) { all.append(pid) }
            }
            return all
        }

        /// Whether the process still exists; one that waits to be reaped does.
        package var exists: Bool {
            var status = stat()
            return fstatat(self.directory, "stat", &status, 0) == 0
        }

        /// Who the process is, or nil when it is gone.
        package var status: Status? {
            guard let content = self.content(of: "stat"),
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

        /// The value of a variable in the environment with which the program was started. Programs
        /// that show a title of their own may have written over it.
        package func variable(_ name: String) -> String? {
            guard let content = self.content(of: "environ") else { return nil }
            let prefix = Array("\(name)=".utf8)
            return content.split(separator: 0).first { $0.starts(with: prefix) }
                .map { Self.text($0.dropFirst(prefix.count)) }
        }

        // MARK: - Children

        /// The children of all threads of the process, zombies too; nil where the kernel does not
        /// tell (CONFIG_PROC_CHILDREN).
        ///
        /// A child may be left out while a brother ends (proc_pid_children(5)): who must not miss
        /// one asks again.
        package var children: [Int32]? {
            let tasks = openat(self.directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard tasks >= 0, let list = fdopendir(tasks) else {
                if tasks >= 0 { close(tasks) }
                return []
            }
            defer { closedir(list) }
            var children: [Int32] = []
            var isTold = true
            Self.visit(list) { tasks, name in
                guard let thread = Self.number(name) else { return }
                guard let content = Self.content(of: "\(thread)/children", in: tasks) else {
                    // Without threads the process is gone; with them it should tell.
                    if errno == ENOENT, faccessat(tasks, "\(thread)/stat", F_OK, 0) == 0 {
                        isTold = false
                    }
                    return
                }
                for word in content.split(separator: UInt8(ascii: " ")) {
                    if let pid = Int32(Self.text(word)) { children.append(pid) }
                }
            }
            return isTold ? children : nil
        }

        // MARK: - Sockets

        /// Visits the sockets that the process has open, until the body returns false.
        ///
        /// - Parameter body: Is given a descriptor and the inode of the socket behind it.
        /// - Returns: Whether the process lets us see; false as well when it is gone.
        @discardableResult
        package func visitSockets(_ body: (Int32, UInt64) -> Bool) -> Bool {
            guard let descriptors = self.openDescriptors() else { return false }
            rewinddir(descriptors)
            errno = 0
            while let entry = readdir(descriptors) {
                let goesOn = withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                        guard let number = Self.number(name),
                            let inode = self.inode(dirfd(descriptors), name)
                        else { return true }
                        return body(number, inode)
                    }
                }
                if !goesOn { return true }
                errno = 0
            }
            return errno == 0
        }

        /// The inode of the socket behind a descriptor, if it is one.
        package func socket(at number: Int32) -> UInt64? {
            guard let descriptors = self.openDescriptors() else { return nil }
            return self.inode(dirfd(descriptors), String(number))
        }

        /// Whether the process exists and does not let us see its sockets: another user's, or one that
        /// may not be traced (ptrace(2), PR_SET_DUMPABLE).
        package var isHiding: Bool {
            var target: CChar = 0
            if self.exists && self.openDescriptors() == nil { return true }
            // The list may be open from before; each link is checked again.
            guard let descriptors else { return false }
            return readlinkat(dirfd(descriptors), "0", &target, 1) < 0 && errno == EACCES
        }

        private func openDescriptors() -> OpaquePointer? {
            if let descriptors { return descriptors }
            let opened = openat(self.directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard opened >= 0, let list = fdopendir(opened) else {
                if opened >= 0 { close(opened) }
                return nil
            }
            self.descriptors = list
            return list
        }

        private func inode(_ directory: Int32, _ name: UnsafePointer<CChar>) -> UInt64? {
            let count = readlinkat(directory, name, &self.target, self.target.count - 1)
            if count <= Self.prefixSize { return nil }
            self.target[count] = 0
            // `socket:[12345]`
            guard strncmp(self.target, Self.prefix, Self.prefixSize) == 0 else { return nil }
            return self.target.withUnsafeBufferPointer { text in
                UInt64(strtoul(text.baseAddress! + Self.prefixSize, nil, 10))
            }
        }

        private static let prefix = "socket:["
        private static let prefixSize = 8

        // MARK: - Files

        /// A file of the process's directory; nil when it cannot be read.
        private func content(of name: String) -> [UInt8]? {
            Self.content(of: name, in: self.directory)
        }

        /// All of a file whose size is unknown until it has been read; nil with errno set when it
        /// cannot be.
        private static func content(of name: String, in directory: Int32) -> [UInt8]? {
            let file = openat(directory, name, O_RDONLY | O_CLOEXEC)
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

        /// Visits the entries of a directory, which is given as a descriptor.
        private static func visit(
            _ directory: OpaquePointer, _ body: (Int32, UnsafePointer<CChar>) -> Void
        ) {
            let descriptor = dirfd(directory)
            while let entry = readdir(directory) {
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { body(descriptor, $0) }
                }
            }
        }

        /// A name that is a number and nothing else.
        private static func number(_ name: UnsafePointer<CChar>) -> Int32? {
            var value: Int32 = 0
            var next = name
            while next.pointee != 0 {
                let digit = next.pointee - 0x30
                if digit < 0 || digit > 9 || value > 100_000_000 { return nil }
                value = value * 10 + Int32(digit)
                next += 1
            }
            return next == name ? nil : value
        }

        private static func text(_ bytes: some Sequence<UInt8>) -> String {
            String(decoding: Array(bytes), as: UTF8.self)
        }
    }

    /// How many processes and threads were ever created, as far as one number tells.
    package enum ProcessCount {
        /// The number that was given to the process created last (proc_loadavg(5)); as long as it
        /// stays, no process was created. Nil where the kernel does not tell.
        package static func last() -> Int32? {
            let file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC)
            if file < 0 { return nil }
            defer { close(file) }
            var buffer = [UInt8](repeating: 0, count: 128)
            let count = read(file, &buffer, buffer.count)
            guard count > 0 else { return nil }
            let words = buffer[..<count].split { $0 == 0x20 || $0 == 0x0a }
            return words.last.flatMap { Int32(String(decoding: $0, as: UTF8.self)) }
        }
    }
#endif
