#if os(Linux)
    import ChaosCore
    import ChaosEngine
    import NIOCore
    import Testing

    @testable import ChaosProxy

    @Suite("Parts of the epoll driver")
    struct EpollPartsTests {
        private final class Dummy: Sleeper {
            var due = Instant.never
        }

        @Test func deadlinesComeInOrderWhateverChanges() {
            var deadlines = Deadlines()
            let sleepers = (0..<200).map { _ in Dummy() }
            var state: UInt64 = 7
            func random(below bound: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int((state >> 33) % UInt64(bound))
            }
            for step in 0..<20_000 {
                let sleeper = sleepers[random(below: sleepers.count)]
                let due =
                    random(below: 4) == 0
                    ? Instant.never : Instant(nanoseconds: Int64(random(below: 1000)))
                deadlines.set(sleeper, at: due)
                sleeper.due = due
                if step % 100 != 99 { continue }
                #expect(deadlines.first == sleepers.map(\.due).min())
                let now = Instant(nanoseconds: Int64(random(below: 500)))
                var previous = Instant.start
                while let woken = deadlines.popDue(at: now) as? Dummy {
                    #expect(woken.due >= previous && woken.due <= now)
                    previous = woken.due
                    woken.due = .never
                }
                #expect(sleepers.allSatisfy { $0.due > now })
            }
        }

        @Test(arguments: ["127.0.0.1", "::1"])
        func aDeafListenerTellsWhoeverKnocks(_ host: String) throws {
            let listener = try ListeningPort(SocketAddress(ipAddress: host, port: 0))
            try listener.listen(backlog: 16)
            let number = try #require(listener.address.port)
            let end = Endpoint.tcp(host: host, port: UInt16(number))
            func discarded() throws -> UInt32 {
                try #require(Sockets.discarded(by: listener.descriptor))
            }
            let before = try discarded()
            let accepted = try TestSocket.connect(to: end)
            #expect(try discarded() == before)
            let family: AddressFamily = host == "::1" ? .v6 : .v4
            #expect(Sockets.setDeaf(true, listener.descriptor, family))
            let attempts = try (0..<3).map { _ in try TestSocket.begin(to: end) }
            #expect(try discarded() == before + 3)
            withExtendedLifetime((accepted, attempts)) {}
        }

        @Test func heldBytesAreWhatAnArrayWouldBe() {
            let pool = SegmentPool(size: 4096)
            var state: UInt64 = 3
            func random(below bound: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int((state >> 33) % UInt64(bound))
            }
            for _ in 0..<200 {
                let segment = pool.take()
                for offset in 0..<4096 {
                    segment.memory.storeBytes(
                        of: UInt8(offset & 0xff), toByteOffset: offset, as: UInt8.self)
                }
                let begin = random(below: 4000)
                let end = begin + random(below: 4096 - begin)
                var held = HeldBytes(segment, from: begin, to: end)
                var array = ByteArray((begin..<end).map { UInt8($0 & 0xff) })
                for _ in 0..<8 where held.count > 1 {
                    let count = random(below: held.count)
                    let (first, expected) = (held.removePrefix(count), array.removePrefix(count))
                    #expect(first.withSpan(Array.init(_:)) == expected.bytes)
                    held.append(first)
                    array.append(expected)
                    let place = random(below: held.count)
                    held.flipBit(3, at: place)
                    array.flipBit(3, at: place)
                    #expect(held.withSpan(Array.init(_:)) == array.bytes)
                    #expect(first.withSpan(Array.init(_:)) == expected.bytes, "others keep theirs")
                }
            }
        }
    }

    extension Array where Element == UInt8 {
        fileprivate init(_ span: Span<UInt8>) {
            self = span.indices.map { span[$0] }
        }
    }
#endif
