import Foundation

/// Where a command keeps its files, and where it finds programs.
enum Folder {
    /// Makes a folder of a name of its own, or the one that was asked for, which must not exist.
    static func make(at wanted: String? = nil) throws -> String {
        if let wanted {
            if mkdir(wanted, 0o700) != 0 {
                throw BenchError("\(wanted): \(String(cString: strerror(errno)))")
            }
            return URL(fileURLWithPath: wanted).path
        }
        var template = Array("/tmp/chaos-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("mkdtemp failed") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The whole path of a program that an option names.
    static func program(_ option: String, _ file: String) throws -> String {
        let path = URL(fileURLWithPath: file).path
        if FileManager.default.isExecutableFile(atPath: path) { return path }
        throw BenchError(
            "\(option): there is no such program, found '\(file)'\n"
                + "hint: swift build -c release --product chaos")
    }
}

/// The limit of open files.
enum OpenFiles {
    /// The limit, raised as far as this user may; what is started inherits it.
    static func raisedLimit() -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }
}
