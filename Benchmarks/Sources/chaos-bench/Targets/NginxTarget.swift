import Foundation

/// nginx with its stream module.
enum NginxTarget {
    /// Starts it with a worker per CPU, as Debian's `/etc/nginx/nginx.conf` does.
    ///
    /// Debian's 768 connections per worker would not do for ten thousand idle ones, and without
    /// half-close the count of received bytes could not come back. Buffers are nginx's own default
    /// (16 KiB); `buffer` sets `proxy_buffer_size`, in bytes.
    static func start(
        _ target: Target, before upstream: Endpoint, _ place: TargetPlace, buffer: Int?
    ) throws -> RunningTarget {
        let endpoint = try FreePort.endpoint()
        let prefix = "\(place.folder)/\(target.rawValue)"
        try FileManager.default.createDirectory(
            atPath: prefix, withIntermediateDirectories: true)
        let configuration = """
            load_module /usr/lib/nginx/modules/ngx_stream_module.so;
            daemon off;
            worker_processes auto;
            pid \(prefix)/nginx.pid;
            error_log stderr crit;
            events { worker_connections 24000; }
            stream {
                server {
                    listen \(endpoint) backlog=4096;
                    proxy_pass \(upstream);
                    proxy_half_close on;
                    \(buffer.map { "proxy_buffer_size \($0);" } ?? "")
                }
            }

            """
        let file = "\(prefix)/nginx.conf"
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            ["nginx", "-e", "stderr", "-p", prefix, "-c", file],
            logFile: "\(place.folder)/\(target.rawValue).log")
        return RunningTarget(target, at: endpoint, process: process)
    }
}
