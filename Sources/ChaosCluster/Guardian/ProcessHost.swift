import CLinux
import Dispatch
import OrderedCollections

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Starts processes that cannot outlive chaos.
///
/// A forked guardian parents them all. When chaos ends, by `kill -9` too, the guardian kills every
/// descendant, daemons that left their session included, and unlinks the registered files. When
/// the guardian ends instead, chaos does the same and says so. Both killed in one instant leave
/// nothing either as far as the processes themselves go (Linux); their daemons would survive.
///
/// macOS has no way to adopt orphans: a process there that forks twice *and* starts a session of
/// its own outlives an abrupt end. Everything in its node's session ends.
package final class ProcessHost: Sendable {
    /// The members of a family as they were at one moment. Zombies do not count.
    package struct FamilyState: Hashable, Sendable {
        package let alive: Int
        /// How many of these are stopped.
        package let stopped: Int
        /// How many of these run no code once they have got SIGSTOP: the stopped ones, and those
        /// in an uninterruptible wait, such as a parent whose vfork(2) child was stopped.
        package let still: Int

        package init(alive: Int, stopped: Int, still: Int) {
            self.alive = alive
            self.stopped = stopped
            self.still = still
        }
    }

    /// Who gets a signal.
    package enum Scope: Hashable, Sendable {
        case process
        /// The process, its session, its descendants, and whatever carries its family's name.
        case family
    }

    /// The environment variable that every process of a run carries: `CHAOS_RUN=ID`.
    package static let runVariable = "CHAOS_RUN"
    /// The environment variable that every process of a family carries.
    package static let familyVariable = "CHAOS_FAMILY"

    /// The value of `CHAOS_RUN`, unique to this host on this machine.
    package let run: String
    /// The guardian's process.
    package var guardian: ProcessID { self.link.guardian }

    /// What is to be said of a guardian that died although nobody asked it to end; known for sure
    /// once `shutdown` has returned.
    package var guardianFault: String? { self.roster.fault }

    private let link: GuardianLink
    private let roster: ProcessRoster

    /// Starts the guardian.
    ///
    /// - Parameters:
    ///   - run: The run's id, unique on this machine: what a process is recognised by.
    ///   - ownsAllChildren: Whether every child of this process may be killed when the guardian
    ///     dies. True for the `chaos` command, false for a program that embeds it.
    ///   - onGuardianDeath: Called with one sentence when the guardian was killed and everything
    ///     it guarded has been ended in its place. The run is at fault from then on.
    /// - Throws: `ProcessHostError` when the system gives no process or socket.
    package init(
        run: String, ownsAllChildren: Bool = false,
        onGuardianDeath: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(ProcessHostError) {
        self.run = run
        // Where the system cannot, the guardian's own death leaves orphans in their sessions,
        // which the sweep still finds.
        _ = chaos_adopt_orphans()
        self.link = try GuardianLink()
        self.roster = ProcessRoster(
            marker: "\(Self.runVariable)=\(run)", ownsAllChildren: ownsAllChildren,
            guardian: self.link.guardian, onGuardianDeath: onGuardianDeath)
        self.link.start(
            onMessage: { [roster] in roster.note($0) },
            onEnd: { [roster] in roster.guardianEnded() })
    }

    deinit { self.link.hangUp() }

    /// Starts one process.
    ///
    /// It inherits nothing but its three streams. Its environment gets the markers of the run and
    /// of its family.
    ///
    /// - Throws: `ProcessHostError` that names the step that failed, up to a failed execve(2).
    package func spawn(_ request: SpawnRequest) async throws(ProcessHostError) -> HostedProcess {
        var environment = request.environment
        environment[Self.runVariable] = self.run
        environment[Self.familyVariable] = self.familyValue(request.family)
        let strings = environment.map { "\($0.key)=\($0.value)" }
        let streams = request.streams
        let placement = request.placement
        let network = placement?.network.map { [$0] } ?? []
        let reply = try await self.link.request(
            descriptors: [streams.input, streams.output, streams.error] + network
        ) { () throws(ProcessHostError) in
            guard let word = request.command.first, !word.isEmpty else {
                throw ProcessHostError(.program, "the command must name a program, found ''")
            }
            let program = try ProgramSearch.locate(
                word, path: request.environment["PATH"], directory: request.directory)
            var message = chaos_message()
            message.kind = UInt32(CHAOS_REQUEST_SPAWN)
            message.a =
                (request.session == .own ? Int32(CHAOS_SPAWN_SESSION) : 0)
                | (network.isEmpty ? 0 : Int32(CHAOS_SPAWN_NETWORK))
                | (placement?.isBare == true ? Int32(CHAOS_SPAWN_BARE) : 0)
            message.b = request.session == .own ? 0 : getpgrp()
            message.c = UInt32(request.command.count)
            let place = [
                placement?.hostName ?? "", placement?.hosts ?? "", request.user?.numbers ?? "",
            ]
            let all = [program, request.directory] + place + request.command + strings
            return (message, try Self.payload(all))
        }
        if let ending = self.roster.claim(reply, family: request.family) {
            return HostedProcess(
                id: ProcessID(reply.a), family: request.family, ending: ending)
        }
        throw ProgramSearch.failure(
            step: reply.c, errno: reply.b, program: request.command[0],
            directory: request.directory)
    }

    /// The processes that were started and have not been reaped, with their families.
    package var families: [Int32: String] { self.roster.families }

    /// Sends a signal. A family gets SIGKILL and SIGSTOP until no member is left that has not.
    ///
    /// - Returns: How many processes took it: 0 when none of them was left.
    /// - Throws: `ProcessHostError` when the guardian is gone or the system refuses.
    @discardableResult
    package func send(
        _ signal: Signal, to process: HostedProcess, scope: Scope = .family
    ) async throws(ProcessHostError) -> Int {
        if scope == .process, process.endedAs != nil { return 0 }
        let reply = try await self.link.request { () throws(ProcessHostError) in
            var message = chaos_message()
            message.kind = UInt32(CHAOS_REQUEST_SIGNAL)
            message.a = process.id.rawValue
            message.b = signal.rawValue
            message.c = scope == .family ? 1 : 0
            return (message, try Self.payload([self.familyEntry(process.family)]))
        }
        if reply.b == 0 || reply.b == ESRCH { return Int(reply.a) }
        throw ProcessHostError(
            .system, "process \(process.id) must take \(signal): \(ProgramSearch.text(reply.b))")
    }

    /// Counts a family's members as they are now.
    package func inspect(
        _ process: HostedProcess
    ) async throws(ProcessHostError) -> FamilyState {
        let reply = try await self.link.request { () throws(ProcessHostError) in
            var message = chaos_message()
            message.kind = UInt32(CHAOS_REQUEST_INSPECT)
            message.a = process.id.rawValue
            return (message, try Self.payload([self.familyEntry(process.family)]))
        }
        return FamilyState(alive: Int(reply.a), stopped: Int(reply.b), still: Int(reply.c))
    }

    /// Has a file or an empty directory removed when the run ends, however it ends; the last one
    /// first. The path is absolute and at most 511 bytes long.
    package func unlinkAtEnd(_ path: String) async throws(ProcessHostError) {
        let reply = try await self.request(CHAOS_REQUEST_REGISTER, path: path)
        guard reply.b == 0 else {
            throw ProcessHostError(
                .limit,
                "a file to unlink must have a short path, found '\(path)': "
                    + ProgramSearch.text(reply.b))
        }
        self.roster.setFile(path, isRegistered: true)
    }

    /// Takes back `unlinkAtEnd`, after the file was removed in order.
    package func forget(_ path: String) async throws(ProcessHostError) {
        _ = try await self.request(CHAOS_REQUEST_UNREGISTER, path: path)
        self.roster.setFile(path, isRegistered: false)
    }

    /// Ends everything: SIGTERM, after the grace SIGKILL, then the guardian itself.
    ///
    /// Returns when no process is left. Later calls wait for the same end.
    package func shutdown(grace: Duration = .seconds(2)) async {
        self.roster.beginEnding()
        let (seconds, attoseconds) = grace.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        var message = chaos_message()
        message.kind = UInt32(CHAOS_REQUEST_QUIT)
        message.a = Int32(clamping: max(0, milliseconds))
        self.link.post(message)
        // The guardian gives up after half a minute; one that was stopped never would.
        let limit = DispatchTimeInterval.milliseconds(Int(message.a) + 35_000)
        let guardian = self.guardian.rawValue
        let rescue = DispatchWorkItem { _ = kill(guardian, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: rescue)
        await self.roster.waitForEnd()
        rescue.cancel()
    }

    private func request(_ kind: Int, path: String) async throws(ProcessHostError) -> chaos_message
    {
        try await self.link.request { () throws(ProcessHostError) in
            var message = chaos_message()
            message.kind = UInt32(kind)
            return (message, try Self.payload([path]))
        }
    }

    /// The entry `NAME=value` in the environment of all processes of a family.
    package func familyEntry(_ family: String) -> String {
        "\(Self.familyVariable)=\(self.familyValue(family))"
    }

    /// The value of `familyVariable` in the environment of all processes of a family.
    func familyValue(_ family: String) -> String { "\(self.run)/\(family)" }

    /// Whether this is the value of `familyVariable` for some family of this run.
    func isFamilyValue(_ value: String) -> Bool { value.hasPrefix("\(self.run)/") }

    /// Joins strings as C has them.
    private static func payload(_ strings: [String]) throws(ProcessHostError) -> [UInt8] {
        var bytes: [UInt8] = []
        for string in strings {
            if string.utf8.contains(0) {
                let shown = string.filter { $0 != "\0" }
                throw ProcessHostError(
                    .program, "words and variables must hold no zero byte, found '\(shown)'")
            }
            bytes += string.utf8
            bytes.append(0)
        }
        guard bytes.count <= CHAOS_PAYLOAD_LIMIT else {
            throw ProcessHostError(
                .limit,
                "arguments and environment must fit into \(CHAOS_PAYLOAD_LIMIT) bytes, "
                    + "found '\(bytes.count)'")
        }
        return bytes
    }
}
