import Foundation

/// What a process and its descendants use, as `/proc` tells it (proc(5)).
struct ProcessUsage {
    /// CPU seconds, user and system, in steps of a clock tick.
    var cpuSeconds = 0.0
    /// Anonymous memory in bytes: heaps and stacks, without files and without the kernel's buffers.
    var memory = 0

    /// Reads the usage of a process tree.
    static func ofTree(_ root: pid_t) -> ProcessUsage {
        var usage = ProcessUsage()
        for process in Self.tree(of: root) {
            guard let fields = Self.statFields(process) else { continue }
            let ticks = (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
            usage.cpuSeconds += ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
            usage.memory += Self.memory(of: process)
        }
        return usage
    }

    /// A process and all its descendants.
    static func tree(of root: pid_t) -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = pid_t(name), let fields = Self.statFields(process),
                let parent = pid_t(fields[1])
            else { continue }
            children[parent, default: []].append(process)
        }
        var found: [pid_t] = []
        var waiting = [root]
        while let process = waiting.popLast() {
            found.append(process)
            waiting += children[process] ?? []
        }
        return found
    }

    /// The fields of `stat` behind the name: state, parent, …
    private static func statFields(_ process: pid_t) -> [Substring]? {
        guard let text = Self.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 12 ? fields : nil
    }

    /// How many descriptors a process holds open.
    static func descriptors(of process: pid_t) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count) ?? 0
    }

    /// The anonymous memory of one process in bytes.
    static func memory(of process: pid_t) -> Int {
        guard let text = Self.read("/proc/\(process)/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst()
                .first.flatMap({ Int($0) })
        else { return 0 }
        return kibibytes * 1024
    }

    private static func read(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}

/// How busy the whole machine was.
struct MachineUsage {
    /// CPU seconds that all processes used since boot.
    let busySeconds: Double
    /// CPU seconds that this program used, and those of its children that have ended.
    let ownSeconds = Self.ownSeconds
    let moment = MonotonicClock.now

    /// The share of all processors' time since then that went to processes which are none of ours.
    func othersShare(since before: MachineUsage) -> Double {
        let seconds = Double(self.moment - before.moment) / 1e9
        let busy = self.busySeconds - before.busySeconds
        let others = busy - (self.ownSeconds - before.ownSeconds)
        return max(0, others / (seconds * Double(ProcessInfo.processInfo.activeProcessorCount)))
    }

    private static var ownSeconds: Double {
        func seconds(_ who: __rusage_who_t) -> Double {
            var usage = rusage()
            getrusage(who, &usage)
            return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
        return seconds(RUSAGE_SELF.rawValue) + seconds(RUSAGE_CHILDREN.rawValue)
    }

    /// Reads `/proc/stat`; 0 where it cannot be read.
    init() {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst()
            .compactMap { Double($0) }
        // user nice system idle iowait irq softirq steal
        let busy = [0, 1, 2, 5, 6, 7].map { fields.indices.contains($0) ? fields[$0] : 0 }
        self.busySeconds = busy.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
