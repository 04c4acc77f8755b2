import ChaosEngine
import ChaosToxiproxy
import CoreMetrics
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What goes through the proxies, in numbers that are right at the moment they are asked for: Toxiproxy's
/// names and labels, and some more.
actor ToxiproxyMetrics {
    private let plane: SocketPlane
    private let ofProxies: Bool
    private let ofProcess: Bool
    private static let latency = "toxiproxy_proxy_added_latency_seconds"
    private let registry = PrometheusRegistry(help: [
        ToxiproxyMetrics.latency:
            "From when a chunk was read to when it was handed on, while toxics are in force."
    ])
    /// What has been counted of the latencies of each start.
    private var latencies: [String: LatencyHistogram] = [:]
    /// What has been counted of each start, by metric and labels.
    private var counted: [String: Int] = [:]
    private var open: [String: Gauge] = [:]

    init(plane: SocketPlane, ofProxies: Bool, ofProcess: Bool) {
        self.plane = plane
        self.ofProxies = ofProxies
        self.ofProcess = ofProcess
        if ofProxies { plane.onClose { await self.close($0) } }
    }

    /// Everything in Prometheus' text format.
    func text() async -> String {
        if self.ofProxies { self.take(await self.plane.totals()) }
        if self.ofProcess { self.takeProcess() }
        return self.registry.text
    }

    private func close(_ starts: [StartTotals]) {
        self.take(starts)
        for start in starts { self.open.removeValue(forKey: start.name)?.destroy() }
    }

    private func take(_ starts: [StartTotals]) {
        for start in starts {
            for stream in ToxicStream.allCases {
                let labels = [
                    ("direction", stream.rawValue), ("listener", start.listen),
                    ("proxy", start.name), ("upstream", start.upstream),
                ]
                self.count("proxy_received_bytes_total", labels, start.received[stream], start.id)
                self.count("proxy_sent_bytes_total", labels, start.sent[stream], start.id)
                let latency = start.latency[stream] ?? LatencyHistogram()
                let part = "\(start.id) \(stream)"
                self.registry.histogram(
                    Self.latency, [("direction", stream.rawValue), ("proxy", start.name)]
                ).add(latency, since: self.latencies[part] ?? LatencyHistogram())
                self.latencies[part] = latency
            }
            let proxy = [("proxy", start.name)]
            self.count("proxy_connections_total", proxy, start.connections, start.id)
            let gauge =
                self.open[start.name]
                ?? Gauge(
                    label: "toxiproxy_proxy_open_connections", dimensions: proxy,
                    factory: self.registry)
            self.open[start.name] = gauge
            gauge.record(start.openConnections)
            for (toxic, hits, connections) in start.hits {
                let labels = [
                    ("proxy", start.name), ("stream", toxic.stream.rawValue),
                    ("toxic", toxic.name), ("type", toxic.type.rawValue),
                ]
                let part = "\(start.id) \(toxic.identity)"
                self.count("toxic_hits_total", labels, hits, part)
                self.count("toxic_connections_total", labels, connections, part)
            }
        }
    }

    /// Brings a counter up to a total that a part of it has reached.
    private func count(
        _ name: String, _ labels: [(String, String)], _ total: Int?,
        _ part: some CustomStringConvertible
    ) {
        let key = "\(name) \(part) \(labels.first?.1 ?? "")"
        let total = total ?? 0
        let before = self.counted[key] ?? 0
        self.counted[key] = total
        Counter(label: "toxiproxy_\(name)", dimensions: labels, factory: self.registry)
            .increment(by: total - before)
    }

    private func takeProcess() {
        var usage = rusage()
        #if canImport(Glibc)
            _ = getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        self.meter("process_cpu_seconds_total", seconds(usage.ru_utime) + seconds(usage.ru_stime))
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        if let descriptors { self.meter("process_open_fds", Double(descriptors.count)) }
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
            .split(separator: " ").dropFirst().first.flatMap { Double($0) }
        if let pages {
            self.meter("process_resident_memory_bytes", pages * Double(sysconf(CInt(_SC_PAGESIZE))))
        }
    }

    private func meter(_ name: String, _ value: Double) {
        Meter(label: name, factory: self.registry).set(value)
    }
}
