#if os(Linux)
    import ChaosEngine
    import Glibc

    // Without an engine, what is read is written at once, from the plane's own memory.

    extension EpollConnection {
        func carryBothWays() {
            guard self.listener.isConnected else { return }
            self.carry(from: self.opener, to: self.listener)
            if self.engine == nil { self.carry(from: self.listener, to: self.opener) }
            if self.engine != nil { return }
            if self.opener.hasInputEnded && self.listener.hasInputEnded
                && self.opener.rest == nil && self.listener.rest == nil
            {
                self.isOver = true
                self.opener.closeNow()
                self.listener.closeNow()
            }
        }

        private func carry(from source: EpollLeg, to sink: EpollLeg) {
            if sink.rest != nil && !self.writeRest(of: sink) { return }
            while source.isReadable {
                if self.budget <= 0 { return self.askForTurn() }
                let count = self.read(source)
                if count > 0 {
                    source.received += count
                    self.tally.received(count, self.direction(from: source), self.loop)
                    self.pass(count, to: sink)
                    if self.engine != nil || sink.rest != nil { return }
                } else if count == 0 {
                    // Who has ended his own stream is about to be closed.
                    if !sink.hasInputEnded || sink.rest != nil { sink.closeOutput() }
                } else if count != -Int(EAGAIN) {
                    return self.fail(source)
                }
            }
        }

        /// Reads once into the plane's memory: the number of bytes, 0 at the end, or a failure.
        func read(_ source: EpollLeg) -> Int {
            let intake = self.loop.intake
            let size = min(intake.room, self.loop.turnSize)
            let count = Sockets.receive(source.descriptor, intake.memory, size)
            if count > 0 {
                self.budget -= count
                self.loop.noteRead(count)
                // Less than there was room for: that was all, and news will be an event. Only the
                // end comes without one once it was told.
                if count < size && !source.hasEnd { source.isReadable = false }
            } else if count == 0 {
                source.noteInputEnded()
            } else {
                source.isReadable = false
            }
            return count
        }

        /// Writes bytes from the plane's memory; what the kernel does not take waits.
        func pass(_ count: Int, to sink: EpollLeg) {
            let written = sink.send(self.loop.intake.memory, count)
            if written > 0 { self.noteDelivered(written, at: sink) }
            if written == count { return }
            sink.isBlocked = true
            sink.rest = self.loop.takeInput(from: max(0, written), to: count)
            if written < 0 && written != -Int(EAGAIN) { self.fail(sink) }
        }

        /// Writes what waits for a socket; whether nothing waits any more.
        func writeRest(of sink: EpollLeg) -> Bool {
            guard let rest = sink.rest else { return true }
            if sink.isBlocked { return false }
            let written = sink.send(rest.memory, rest.count)
            if written > 0 { self.noteDelivered(written, at: sink) }
            if written == rest.count {
                sink.noteWritten()
                return true
            }
            sink.isBlocked = true
            if written > 0 { sink.rest?.dropFirst(written) }
            if written < 0 && written != -Int(EAGAIN) { self.fail(sink) }
            return false
        }

        func noteDelivered(_ count: Int, at sink: EpollLeg) {
            self.loop.noteWritten(count)
            let direction: Direction = sink.leg == .listener ? .forward : .backward
            if let engine = self.engine {
                engine.wrote(count, direction)
            } else {
                self.tally.delivered(count, direction, self.loop)
            }
        }

        func passed(_ direction: Direction) -> PassedDirection<HeldBytes> {
            let source = direction == .forward ? self.opener : self.listener
            var passed = PassedDirection<HeldBytes>()
            passed.received = source.received
            passed.waiting = self.sink(direction).rest
            passed.hasEnded = source.hasInputEnded
            return passed
        }

        func counters(_ direction: Direction) -> DirectionCounters {
            let source = direction == .forward ? self.opener : self.listener
            var counters = DirectionCounters()
            counters.received = source.received
            counters.discarded = self.sink(direction).discarded
            counters.written = counters.received - counters.discarded
            return counters
        }
    }
#endif
