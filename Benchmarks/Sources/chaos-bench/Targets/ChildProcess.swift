import CBenchLinux
import Glibc
import Synchronization

/// A program that the bench started; it ends with the bench, however that ends.
final class ChildProcess {
    /// All that run, for the end by a signal.
    static let running = Mutex<[pid_t]>([])
    /// Whether nothing is to be started any more.
    static let isEnding = Atomic<Bool>(false)

    let identifier: pid_t
    private let logFile: String
    private var hasEnded = false

    /// Starts a program with its output in a file.
    ///
    /// `setpriv` (util-linux, in every Debian) has the kernel end the program with the thread that
    /// started it, which has to be the main thread.
    init(_ words: [String], logFile: String) throws {
        if Self.isEnding.load(ordering: .sequentiallyConsistent) {
            throw BenchError("the bench was interrupted")
        }
        let words = ["setpriv", "--pdeathsig", "TERM"] + words
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, 1, logFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Sockets of the bench must not stay open in its children.
        bench_close_inherited(&actions)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var identifier: pid_t = 0
        let result = posix_spawnp(
            &identifier, arguments[0]!, &actions, nil, arguments, environ)
        if result != 0 {
            throw BenchError("start \(words[3]): \(String(cString: strerror(result)))")
        }
        self.identifier = identifier
        self.logFile = logFile
        Self.running.withLock { $0.append(identifier) }
    }

    deinit { self.end() }

    /// Whether it still runs.
    var isRunning: Bool {
        if self.hasEnded { return false }
        var status: Int32 = 0
        if waitpid(self.identifier, &status, WNOHANG) == 0 { return true }
        self.noteEnd()
        return false
    }

    private func noteEnd() {
        self.hasEnded = true
        let identifier = self.identifier
        Self.running.withLock { $0.removeAll { $0 == identifier } }
    }

    /// Asks the program to end, and kills it after five seconds.
    func end() {
        if !self.isRunning { return }
        kill(self.identifier, SIGTERM)
        let patience = MonotonicClock.after(5)
        while self.isRunning {
            if MonotonicClock.now > patience { kill(self.identifier, SIGKILL) }
            usleep(5000)
        }
    }

    /// What the program wrote, its last lines on one.
    var lastWords: String {
        guard let file = fopen(self.logFile, "r") else { return "" }
        defer { fclose(file) }
        var text = [UInt8](repeating: 0, count: 64 << 10)
        let count = fread(&text, 1, text.count, file)
        let lines = String(decoding: text.prefix(count), as: UTF8.self).split(separator: "\n")
        return lines.suffix(5).joined(separator: " | ")
    }
}
