import ChaosCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A user of this machine as whom a process may run (passwd(5), group(5)).
package struct UserAccount: Hashable, Sendable {
    package let id: UInt32
    package let group: UInt32
    /// All groups, the first one too.
    package let groups: [UInt32]

    /// Whether this process may start others as somebody else.
    package static var canBeChosen: Bool { geteuid() == 0 }

    /// Finds a user by name or number.
    ///
    /// - Throws: `InputError` when there is none.
    package init(named name: String) throws(InputError) {
        var entry = passwd()
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        var found: UnsafeMutablePointer<passwd>?
        if let id = uid_t(name) {
            getpwuid_r(id, &entry, &buffer, buffer.count, &found)
        } else {
            getpwnam_r(name, &entry, &buffer, buffer.count, &found)
        }
        guard found != nil else {
            throw InputError("'user' is a user of this machine", found: name)
        }
        self.id = entry.pw_uid
        self.group = entry.pw_gid
        var count: Int32 = 256
        #if canImport(Darwin)
            var groups = [Int32](repeating: 0, count: Int(count))
            let first = Int32(bitPattern: entry.pw_gid)
        #else
            var groups = [gid_t](repeating: 0, count: Int(count))
            let first = entry.pw_gid
        #endif
        let result = getgrouplist(entry.pw_name, first, &groups, &count)
        self.groups = result < 0 ? [self.group] : groups.prefix(Int(count)).map { UInt32($0) }
    }

    /// Gives a file or directory to the user.
    ///
    /// - Throws: `InputError` that names the path when the system refuses.
    package func own(_ path: String) throws(InputError) {
        if chown(path, self.id, self.group) == 0 { return }
        throw InputError(
            "a node's directory must be given to its user: \(ProgramSearch.text(errno))",
            found: path)
    }

    /// The numbers as the guardian reads them: user, group, further groups.
    var numbers: String {
        ([self.id, self.group] + self.groups).map(String.init).joined(separator: " ")
    }
}
