#if os(Linux)
    import ChaosCore
    import Testing

    @testable import ChaosCluster

    @Suite("Socket table")
    struct BypassTableTests {
        /// The words of an address stand as they lie in memory: these lines are of a little-endian
        /// machine, as all machines are on which Swift runs.
        private static let four = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
               0: 01014F7F:1B59 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100
               1: 0100007F:A0C4 01014F7F:1B59 01 00000000:00000000 00:00000000 00000000 1234567      0 12 1 0
               2: 0100007F:A0C5 01014F7F:1B59 06 00000000:00000000 03:000004D2 00000000     0        0 0 3 0
            1003: 0100007F:A0C6 02024F7F:1B5A 02 00000001:00000000 01:00000064 00000001     0        0 14 2 0
               4: 0100007F:A0C7 02024F7F:1B5A 08 00000000:00000001 00:00000000 00000000     0        0 15 1 0

            """
        private static let six = """
              sl  local_address                         remote_address                        st
               0: 00000000000000000000000000000000:1B59 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1
               1: 0000000000000000FFFF00000100007F:1B59 0000000000000000FFFF00000100007F:A0C4 01 00000000:00000000 00:00000000 00000000     0        0 22 1
               2: B80D0120000000000000000001000000:1B59 00000000000000000000000001000000:A0C4 04 00000000:00000000 00:00000000 00000000     0        0 0 1

            """

        private static func table(_ texts: String...) -> SocketTable {
            var table = SocketTable()
            for text in texts { table.add(Array(text.utf8)) { _, _ in true } }
            return table
        }

        @Test func onlySocketsThatSomebodyCanHoldAreRead() {
            let table = Self.table(Self.four)
            let shown = table.connections.map {
                "\($0.local.endpoint) \($0.remote.endpoint) \($0.inode)"
            }
            #expect(
                shown == [
                    "127.0.0.1:41156 127.79.1.1:7001 12", "127.0.0.1:41158 127.79.2.2:7002 14",
                    "127.0.0.1:41159 127.79.2.2:7002 15",
                ])
            #expect(table.listeners == [SocketEnd(host: "127.79.1.1", port: 7001)!: [11]])
        }

        @Test func anIPv4ConnectionIsTheSameFromBothFamilies() {
            let table = Self.table(Self.four, Self.six)
            let last = table.connections.suffix(2).map {
                "\($0.local.endpoint) \($0.remote.endpoint) \($0.inode)"
            }
            #expect(
                last == [
                    "127.0.0.1:7001 127.0.0.1:41156 22", "[2001:db8::1]:7001 [::1]:41156 0",
                ])
            #expect(table.connections[3].remote == table.connections[0].local)
        }

        @Test func aSocketAtAllAddressesListensForEachOfThem() throws {
            let table = Self.table(Self.four, Self.six)
            func listeners(_ host: String) throws -> [UInt64] {
                try #require(SocketEnd(host: host, port: 7001)).listeningPlaces
                    .flatMap { table.listeners[$0] ?? [] }
            }
            #expect(try listeners("127.79.1.1") == [11, 21])
            #expect(try listeners("10.0.0.1") == [21])
            #expect(try listeners("::1") == [21])
        }

        @Test func aTornLineIsPassedOver() {
            let whole = Self.four.utf8
            for length in 0..<whole.count {
                let torn = String(decoding: whole.prefix(length), as: UTF8.self)
                let table = Self.table(torn + "\n" + Self.six)
                #expect(table.connections.suffix(2) == Self.table(Self.six).connections[...])
            }
        }
    }
#endif
