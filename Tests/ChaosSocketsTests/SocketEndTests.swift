import Testing

@testable import ChaosSockets

@Suite("Socket ends")
struct SocketEndTests {
    @Test func anIPv4AddressIsTheSameFromBothFamilies() throws {
        let four = try #require(SocketEnd(host: "127.0.0.1", port: 7))
        #expect(four == SocketEnd(host: "::ffff:127.0.0.1", port: 7))
        #expect(four.isIPv4)
        #expect("\(four.endpoint)" == "127.0.0.1:7")
    }
}
