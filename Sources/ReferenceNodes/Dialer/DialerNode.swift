import ChaosCore
import NodeKit

/// Takes requests, and asks one server by whichever of its addresses can be reached.
struct DialerNode: StreamNode {
    /// Somebody's request, from its first attempt to connect to its answer.
    private struct Call: Sendable {
        let request: Message
        /// Where its answer goes.
        let stream: StreamID
        var race: AddressRace
        /// The connections that were made or are being tried for it, by address.
        var connections: [Int: Int] = [:]
        /// Why addresses could not be reached.
        var failures: [String] = []
        /// The address at which it was sent.
        var sentTo: Int?
        /// When its answer is too late.
        var deadline: Duration?
        var reader = LineReader()
    }

    private static let timer = "dialer"

    private let flaws: Set<Dialing.Flaw>
    private var id = ""
    /// The server's addresses in the order in which they are tried.
    private var addresses: [String] = []
    private var desk = MessageDesk()
    private var calls: [Int: Call] = [:]
    private var callCount = 0
    /// Whose each connection is, and to which address.
    private var owners: [Int: (call: Int, address: Int)] = [:]
    private var connectionCount = 0

    init(_ flaws: Set<Dialing.Flaw>) { self.flaws = flaws }

    mutating func handle(_ input: StreamInput, at now: Duration) -> [StreamEffect] {
        var effects: [StreamEffect] = []
        switch input {
        case .started(let start):
            self.id = start.id
            self.addresses = AddressRace.order(start.others, hosts: start.hosts)
            if self.addresses.isEmpty {
                return [.crash("who dials needs somebody to dial: '--peers six=[::1]:7001'")]
            }
        case .opened(.outbound(let number)):
            guard let (call, address) = self.owners[number] else { break }
            let actions = self.calls[call]?.race.connected(address) ?? []
            effects = self.carryOut(actions, for: call, at: now)
        case .ended(.outbound(let number), let end):
            guard let (call, address) = self.owners.removeValue(forKey: number) else { break }
            effects = self.fail(call, at: address, end.reason, at: now)
        case .received(.outbound(let number), let bytes):
            guard let (call, _) = self.owners[number] else { break }
            effects = self.take(bytes, for: call)
        case .received(let stream, let bytes):
            for request in self.desk.read(bytes, on: stream) where request.id != nil {
                effects += self.begin(request, on: stream, at: now)
            }
        case .ended(let stream, _):
            self.desk.forget(stream)
            let gone = self.calls.filter { $0.value.stream == stream }.keys.sorted()
            effects = gone.flatMap { self.hangUp($0) }
        case .timer:
            for call in self.calls.keys.sorted() { effects += self.run(call, at: now) }
        case .opened, .datagram: break
        }
        return effects + [self.nextTimer(at: now)]
    }

    // MARK: - Connecting

    private mutating func begin(
        _ request: Message, on stream: StreamID, at now: Duration
    ) -> [StreamEffect] {
        let delay = self.flaws.contains(.triesInTurn) ? nil : Dialing.attemptDelay
        self.callCount += 1
        var call = Call(
            request: request, stream: stream,
            race: AddressRace(count: self.addresses.count, delay: delay))
        let actions = call.race.start(at: now)
        self.calls[self.callCount] = call
        return self.carryOut(actions, for: self.callCount, at: now)
    }

    private mutating func carryOut(
        _ actions: [AddressRace.Action], for call: Int, at now: Duration
    ) -> [StreamEffect] {
        actions.flatMap { action in
            switch action {
            case .connect(let address): self.connect(call, to: address)
            case .giveUp(let address): self.close(call, at: address)
            case .won(let address): self.send(call, to: address, at: now)
            case .lost:
                self.answer(
                    call, Dialing.verdict(on: .connecting),
                    self.calls[call]?.failures.joined(separator: ", ") ?? "")
            }
        }
    }

    private mutating func connect(_ call: Int, to address: Int) -> [StreamEffect] {
        self.connectionCount += 1
        self.owners[self.connectionCount] = (call, address)
        self.calls[call]?.connections[address] = self.connectionCount
        let patience =
            self.flaws.contains(.triesInTurn) ? Dialing.kernelPatience : Dialing.connectPatience
        return [.open(self.connectionCount, to: self.addresses[address], within: patience)]
    }

    private mutating func close(_ call: Int, at address: Int) -> [StreamEffect] {
        guard let number = self.calls[call]?.connections.removeValue(forKey: address) else {
            return []
        }
        self.owners[number] = nil
        return [.close(.outbound(number))]
    }

    // MARK: - Asking

    private mutating func send(_ call: Int, to address: Int, at now: Duration) -> [StreamEffect] {
        guard let request = self.calls[call]?.request,
            let number = self.calls[call]?.connections[address]
        else { return [] }
        self.calls[call]?.sentTo = address
        if !self.flaws.contains(.waitsForEver) {
            self.calls[call]?.deadline = now + Dialing.answerPatience
        }
        // A name for each connection: whoever is asked answers on the last one that had the name.
        let message = Message(
            from: "\(self.id)-\(number)", to: self.addresses[address], body: request.body)
        return [.write(.outbound(number), Array((message.line + "\n").utf8))]
    }

    private mutating func take(_ bytes: [UInt8], for call: Int) -> [StreamEffect] {
        if self.flaws.contains(.takesReadsForAnswers) {
            guard let answer = try? Message(parsing: bytes) else {
                return self.answer(call, .crash, "what came is no message")
            }
            return self.pass(answer, to: call)
        }
        for case .line(let line) in self.calls[call]?.reader.read(bytes) ?? [] {
            guard let answer = try? Message(parsing: line) else { continue }
            return self.pass(answer, to: call)
        }
        return []
    }

    /// Hands on what the server said.
    private mutating func pass(_ answer: Message, to call: Int) -> [StreamEffect] {
        guard let (request, stream, address) = self.destination(of: call) else { return [] }
        var body = answer.body
        if let address { body["via"] = .string(self.addresses[address]) }
        return self.hangUp(call) + self.desk.answer(.reply(to: request, body), on: stream)
    }

    // MARK: - Failing

    /// A connection of this call ended, or could not be made.
    private mutating func fail(
        _ call: Int, at address: Int, _ reason: String, at now: Duration
    ) -> [StreamEffect] {
        self.calls[call]?.connections[address] = nil
        let failure = "\(self.addresses[address]) \(reason)"
        if self.calls[call]?.sentTo == address {
            return self.answer(call, Dialing.verdict(on: .sent), failure)
        }
        self.calls[call]?.failures.append(failure)
        let actions = self.calls[call]?.race.failed(address, at: now) ?? []
        return self.carryOut(actions, for: call, at: now)
    }

    private mutating func run(_ call: Int, at now: Duration) -> [StreamEffect] {
        if let deadline = self.calls[call]?.deadline, deadline <= now {
            return self.answer(call, Dialing.verdict(on: .sent), "no answer to what was sent")
        }
        let actions = self.calls[call]?.race.run(at: now) ?? []
        return self.carryOut(actions, for: call, at: now)
    }

    private mutating func answer(
        _ call: Int, _ code: ErrorCode, _ reason: String
    ) -> [StreamEffect] {
        guard let (request, stream, _) = self.destination(of: call) else { return [] }
        let code = self.flaws.contains(.takesFailuresForNo) ? .temporarilyUnavailable : code
        let error = Effect.error(to: request, code, reason)
        return self.hangUp(call) + self.desk.answer(error, on: stream)
    }

    private func destination(
        of call: Int
    ) -> (request: Message, stream: StreamID, address: Int?)? {
        self.calls[call].map { ($0.request, $0.stream, $0.sentTo) }
    }

    /// Ends a call with all its connections.
    private mutating func hangUp(_ call: Int) -> [StreamEffect] {
        let numbers = self.calls.removeValue(forKey: call)?.connections.values.sorted() ?? []
        for number in numbers { self.owners[number] = nil }
        return numbers.map { .close(.outbound($0)) }
    }

    private func nextTimer(at now: Duration) -> StreamEffect {
        let next = self.calls.values.flatMap { [$0.deadline, $0.race.deadline] }
            .compactMap { $0 }.min()
        guard let next else { return .cancelTimer(Self.timer) }
        return .setTimer(Self.timer, after: max(.zero, next - now))
    }
}
