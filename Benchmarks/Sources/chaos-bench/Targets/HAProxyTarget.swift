import Foundation

/// HAProxy in TCP mode.
enum HAProxyTarget {
    /// Starts it with the settings of Debian's `/etc/haproxy/haproxy.cfg`.
    ///
    /// Timeouts are Debian's. Threads and buffers are HAProxy's own defaults (a thread per CPU,
    /// 16 KiB), because Debian sets none; `buffer` sets `tune.bufsize`, in bytes. Debian has it log each
    /// connection to the system's log; with `logs` the same lines go to a file, where they cost no other
    /// program's time, and otherwise nowhere.
    static func start(
        _ target: Target, before upstream: Endpoint, _ place: TargetPlace, buffer: Int? = nil,
        logs: Bool = false
    ) throws -> RunningTarget {
        let endpoint = try FreePort.endpoint()
        let configuration = """
            global
            \(buffer.map { "    tune.bufsize \($0)" } ?? "")
            \(logs ? "    log stdout format raw local0" : "")
            defaults
                mode tcp
            \(logs ? "    log global\n    option tcplog" : "")
                timeout connect 5000
                timeout client 50000
                timeout server 50000
            listen bench
                bind \(endpoint)
                server upstream \(upstream)

            """
        let file = "\(place.folder)/\(target.rawValue).cfg"
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            ["haproxy", "-db", "-f", file], logFile: "\(place.folder)/\(target.rawValue).log")
        return RunningTarget(target, at: endpoint, process: process)
    }
}

/// A port that nothing listens on.
enum FreePort {
    static func endpoint() throws -> Endpoint {
        // It is free again when this returns; on a machine of one's own nobody takes it meanwhile.
        try Socket.listening().endpoint
    }
}
