#if os(Linux)
    import ChaosCore
    import ChaosSockets
    import Testing

    @testable import ChaosProxy

    @Suite("Who has bound UDP ports")
    struct BoundDatagramPortsTests {
        @Test func readsTheKernelsTable() throws {
            let line = "  12: 0100007F:1B59 00000000:0000 07 00000000:00000000 00:00000000 0"
            let end = BoundDatagramPorts.localEnd(Array(line.utf8)[...], isIPv4: true)
            #expect(end == SocketEnd(host: "127.0.0.1", port: 7001))
            let six =
                "  3: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07"
            let end6 = BoundDatagramPorts.localEnd(Array(six.utf8)[...], isIPv4: false)
            #expect(end6 == SocketEnd(host: "::1", port: 53))
            let head = "  sl  local_address rem_address   st tx_queue rx_queue"
            #expect(BoundDatagramPorts.localEnd(Array(head.utf8)[...], isIPv4: true) == nil)
        }

        /// A socket of every address has the port of each, whatever its family.
        @Test(arguments: ["127.0.0.1", "0.0.0.0", "::1", "::"])
        func findsSocketsThatAreThere(host: String) throws {
            var end: SocketEnd?
            do {
                let socket = try TestDatagrams(on: .tcp(host: host, port: 0))
                guard case .tcp(_, let port) = socket.local else { return }
                end = SocketEnd(host: host == "::1" ? "::1" : "127.0.0.1", port: port)
                let wanted = try #require(end)
                #expect(BoundDatagramPorts.among([wanted]) == [wanted])
            }
            #expect(BoundDatagramPorts.among([try #require(end)]).isEmpty)
        }
    }
#endif
