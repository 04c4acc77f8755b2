import ChaosCore
import NIOCore

/// One client: reads lines, answers each, and passes events on once it subscribed.
///
/// Everything here runs on the server's event loop. Reading stops while a request is in work and
/// goes on when its reply has left, which is what bounds memory and keeps replies in order.
final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many requests are looked at before other clients get their turn.
    private static let linesPerTurn = 64
    /// Longer lines are parsed outside the event loop.
    private static let longestQuickLine = 16 << 10

    private let service: ControlService
    private var lines = LineBuffer(limit: ControlServer.longestRequest)
    private var isInWork = false
    private var isAdvancing = false
    private var hasEnded = false
    private var subscription: Task<Void, Never>?
    private var missed: Int64 = 0

    init(service: ControlService) { self.service = service }

    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.lines.append(self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { self.advance(context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            self.hasEnded = true
            self.advance(context)
        } else if event is ServerIsStopping {
            // As if the client had said all it wants to say; half a line is no request.
            self.hasEnded = true
            self.lines = LineBuffer(limit: ControlServer.longestRequest)
            self.advance(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.subscription?.cancel()
        self.subscription = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, self.missed > 0 { self.tellMissed(context) }
        context.fireChannelWritabilityChanged()
    }

    /// Takes requests up until one is in work or nothing is left to do.
    private func advance(_ context: ChannelHandlerContext) {
        // A reply that leaves at once comes back here; the loop below then goes on by itself.
        if self.isAdvancing || self.isInWork { return }
        self.isAdvancing = true
        defer { self.isAdvancing = false }
        for _ in 0..<Self.linesPerTurn {
            guard let line = self.lines.next() ?? (self.hasEnded ? self.lines.finish() : nil) else {
                if !self.hasEnded {
                    context.read()
                } else if self.subscription == nil {
                    context.close(promise: nil)
                }
                return
            }
            self.isInWork = true
            self.take(line, context)
            if self.isInWork { return }
        }
        let later = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (connection, context) = later.value
            connection.advance(context)
        }
    }

    private func take(_ line: LineBuffer.Line, _ context: ChannelHandlerContext) {
        guard case .complete(let bytes) = line else {
            let error = CommandError(.tooLarge, "a request is at most 1 MiB on one line")
            self.send(Reply(id: .null, .failure(error)), context)
            return
        }
        if bytes.readableBytes <= Self.longestQuickLine {
            self.take(ParsedLine(bytes), context)
            return
        }
        let parsed = context.eventLoop.makePromise(of: ParsedLine.self)
        parsed.completeWithTask { ParsedLine(bytes) }
        parsed.futureResult.assumeIsolated().whenSuccess { self.take($0, context) }
    }

    private func take(_ line: ParsedLine, _ context: ChannelHandlerContext) {
        switch line.request {
        case .failure(let error): self.send(Reply(id: line.id, .failure(error)), context)
        case .success(.ping):
            let result: JSONValue = [
                "name": "chaos", "version": .string(self.service.version),
                "protocol": .int(Int64(ControlServer.protocolVersion)),
            ]
            self.send(Reply(id: line.id, .success(result)), context)
        case .success(.subscribe): self.subscribe(line.id, context)
        case .success(.command(let command)): self.perform(command, line.id, context)
        }
    }

    /// Carries a command out; the reply is the run's or, when time is up, `busy`.
    private func perform(_ command: Command, _ id: JSONValue, _ context: ChannelHandlerContext) {
        let target = self.service.target
        let within = self.service.replyWithin
        let answer = context.eventLoop.makePromise(of: Reply.self)
        Task(executorPreference: self.service.executor) {
            do throws(CommandError) {
                answer.succeed(Reply(id: id, .success(try await target.perform(command))))
            } catch { answer.succeed(Reply(id: id, .failure(error))) }
        }
        let first = context.eventLoop.makePromise(of: Reply.self)
        let deadline = context.eventLoop.scheduleTask(in: TimeAmount(within)) {
            let error = CommandError(
                .busy,
                "the run did not answer within \(within.text); whether the command took effect is"
                    + " unknown", hint: "ask 'status'")
            first.succeed(Reply(id: id, .failure(error)))
        }
        answer.futureResult.whenSuccess { reply in
            deadline.cancel()
            first.succeed(reply)
        }
        first.futureResult.assumeIsolated().whenSuccess { self.send($0, context) }
    }

    private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            self.isInWork = false
            self.advance(context)
        }
        self.write(reply.json, context, promise: sent)
    }

    private func write(
        _ json: JSONValue, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil
    ) {
        let line = context.channel.allocator.buffer(string: json.text + "\n")
        context.writeAndFlush(self.wrapOutboundOut(line), promise: promise)
    }
}

// MARK: - Events

extension ControlConnection {
    private func subscribe(_ id: JSONValue, _ context: ChannelHandlerContext) {
        if self.subscription != nil {
            let error = CommandError(.conflict, "this connection is subscribed already")
            self.send(Reply(id: id, .failure(error)), context)
            return
        }
        // Taken before the reply is sent: everything that happens after the reply is seen.
        let events = self.service.target.events()
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        self.subscription = Task {
            for await event in events {
                try? await loop.submit {
                    let (connection, context) = bound.value
                    connection.deliver(event, context)
                }.get()
            }
            loop.execute { bound.value.0.eventsEnded(bound.value.1) }
        }
        self.send(Reply(id: id, .success(["subscribed": true])), context)
    }

    /// Passes an event on, unless so much waits already that it must be missed.
    private func deliver(_ event: JSONValue, _ context: ChannelHandlerContext) {
        guard self.subscription != nil else { return }
        if context.channel.isWritable {
            if self.missed > 0 { self.tellMissed(context) }
            self.write(event, context)
        } else {
            self.missed += RunEvent.missedCount(in: event) ?? 1
        }
    }

    private func tellMissed(_ context: ChannelHandlerContext) {
        self.write(RunEvent.missed(self.missed).json, context)
        self.missed = 0
    }

    /// The run is over: what was written still leaves, then the connection closes.
    private func eventsEnded(_ context: ChannelHandlerContext) {
        guard self.subscription != nil else { return }
        self.subscription = nil
        if self.missed > 0 { self.tellMissed(context) }
        let empty = context.channel.allocator.buffer(capacity: 0)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(self.wrapOutboundOut(empty)).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

/// A line that was understood, or the reason why not.
private struct ParsedLine: Sendable {
    var id: JSONValue = .null
    var request: Result<Request, CommandError>

    init(_ bytes: ByteBuffer) {
        do {
            let json = try JSONValue(parsing: bytes.readableBytesView)
            switch json["id"] {
            case let id? where id.stringValue != nil || id.intValue != nil: self.id = id
            case .null?, nil: break
            case let id?:
                let found = id.text.shortened
                self.request = .failure(
                    CommandError(.badRequest, "id: a text or a whole number, found '\(found)'"))
                return
            }
            do throws(CommandError) {
                self.request = .success(try Request(json: json))
            } catch { self.request = .failure(error) }
        } catch {
            self.request = .failure(
                CommandError(
                    .badJSON, "a request is one JSON object on one line: \(error)",
                    hint: "for example \(ControlOperation.status.example)"))
        }
    }
}
