import ArgumentParser
import ChaosControl
import ChaosCore
import ChaosRun
import ChaosTopology
import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `chaos capture 'n1->n2' --out f.pcapng`
struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Write the packets of a lab's links into a file for Wireshark (pcapng).",
        discussion: """
            chaos capture 'n1->n2' 'n2->n1' --out n12.pcapng --for 10s
            chaos capture '*->*' --out - | wireshark -k -i -

            What a fault or partition did to a packet stands in its comment (frame.comment). It goes on until \
            Ctrl-C, for the time of --for, or until the run ends.
            """)

    @Argument(
        help: ArgumentHelp(
            "The links, in quotes: 'n1->n2', '*->n3:peer', 'n1<->n2'.", valueName: "link"))
    var links: [String]

    @Option(help: "The file; '-' is standard output.")
    var out: String

    @OptionGroup var lease: LeaseOptions
    @OptionGroup var control: ControlOptions

    func run() async throws {
        let session = ControlSession(options: self.control)
        do {
            let name = "capture-\(getpid())\(ScenarioRun.pipeSuffix)"
            var request: JSONObject = [
                "op": "capture", "links": .array(self.links.map { .string($0) }),
                "file": .string(name),
            ]
            self.lease.add(to: &request)
            // Mistakes are told before a run is looked for.
            _ = try Request(json: .object(request))
            let run = try session.finder.find(
                self.control.run ?? session.environment["CHAOS_RUN_DIR"])
            let client = try await ControlClient.connect(to: run.socket)
            let pipe = try CapturePipe("\(run.directory)/\(name)")
            defer { pipe.remove() }
            let answer = try await client.send(request)
            // Both ends are open: nobody has to find it any more.
            pipe.remove()
            let copy = try CaptureCopy(from: pipe, to: self.out)
            let id = answer["id"]?.stringValue ?? ""
            let links = answer["links"]?.arrayValue?.count ?? 0
            write(
                "\(id) captures \(links == 1 ? "1 link" : "\(links) links") until "
                    + (self.lease.lease.map { "\($0) are over, " } ?? "")
                    + "Ctrl-C or the run's end\n",
                to: .standardError)
            let signals = CaptureSignals {
                // The run writes what it still has, and then closes the pipe.
                Task { _ = try? await client.send(["op": "capture_end", "capture": .string(id)]) }
            }
            let tally = try await copy.run()
            signals.cancel()
            await client.close()
            self.tell(tally, session)
        } catch {
            throw session.exit(error)
        }
    }

    private func tell(_ tally: PcapngTally, _ session: ControlSession) {
        let packets = tally.packets == 1 ? "1 packet" : "\(tally.packets) packets"
        if !tally.isBetweenBlocks {
            write("chaos: the last packet is not whole\n", to: .standardError)
        }
        if self.out == "-" {
            write("\(packets)\n", to: .standardError)
        } else if self.control.json {
            ControlSession.print([
                JSONValue.object([
                    "packets": .int(Int64(tally.packets)), "bytes": .int(Int64(tally.bytes)),
                    "file": .string(self.out),
                ]).text
            ])
        } else {
            ControlSession.print(["\(packets) in \(self.out)"])
        }
    }
}

/// A pipe with a name, from which a capture is read.
private final class CapturePipe: Sendable {
    let descriptor: Int32
    private let path: String

    init(_ path: String) throws(CommandError) {
        self.path = path
        guard mkfifo(path, 0o600) == 0 else {
            throw CommandError(
                .failed, "\(path): a pipe cannot be made: \(String(cString: strerror(errno)))")
        }
        // Without waiting for the other end, which the run opens when it is asked to.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        if descriptor < 0 {
            let text = String(cString: strerror(errno))
            unlink(path)
            throw CommandError(.failed, "\(path): \(text)")
        }
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    /// Takes the name away; who has it open keeps it.
    func remove() { unlink(self.path) }

    deinit { close(self.descriptor) }
}

/// Carries a capture from the pipe to where it is wanted.
private struct CaptureCopy: Sendable {
    private let pipe: CapturePipe
    private let target: Int32

    init(from pipe: CapturePipe, to path: String) throws(CommandError) {
        self.pipe = pipe
        if path == "-" {
            self.target = STDOUT_FILENO
            return
        }
        self.target = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if self.target < 0 {
            throw CommandError(.badRequest, "\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Copies until the run closes its end, on a thread of its own.
    func run() async throws -> PcapngTally {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result(catching: self.copy)) }
            thread.start()
        }
    }

    private func copy() throws(CommandError) -> PcapngTally {
        var tally = PcapngTally()
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(self.pipe.descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return tally }
            tally.take(bytes[..<count])
            var rest = bytes[..<count]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes {
                    systemWrite(self.target, $0.baseAddress, $0.count)
                }
                if written < 0 && errno == EINTR { continue }
                if written < 0 {
                    throw CommandError(
                        .failed,
                        "the capture cannot be written: \(String(cString: strerror(errno)))")
                }
                rest = rest.dropFirst(written)
            }
        }
    }
}

/// write(2) under a name that no method shadows.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}

/// Has something done at the first Ctrl-C, and lets the second one end the command.
private final class CaptureSignals {
    private let sources: [any DispatchSourceSignal]

    init(_ body: @escaping @Sendable () -> Void) {
        self.sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                signal(number, SIG_DFL)
                body()
            }
            source.resume()
            return source
        }
    }

    func cancel() { for source in self.sources { source.cancel() } }
}
