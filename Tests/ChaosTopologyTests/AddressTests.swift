import ChaosCore
import ChaosTopology
import Testing

struct AddressTests {
    @Test func numbersAndAddressesAgree() {
        for number in [1, 10, 254] {
            #expect(LabAddresses.number(of: [10, 77, 0, UInt8(number)]) == number)
            let long: [UInt8] = [0xfd, 0, 0, 0x77] + [UInt8](repeating: 0, count: 11)
            #expect(LabAddresses.number(of: long + [UInt8(number)]) == number)
        }
        #expect(LabAddresses.node(254, .ipv6) == "fd00:77::fe")
        #expect(LabAddresses.number(of: [10, 77, 0, 0]) == nil)
        #expect(LabAddresses.number(of: [10, 77, 0, 255]) == nil)
        #expect(LabAddresses.number(of: [10, 77, 255, 254]) == nil, "clients are no node")
        #expect(LabAddresses.number(of: [1, 2, 3]) == nil)
    }

    @Test func namesOfAll() {
        #expect(
            HostsFile.forNodes(["n1", "n2"], .ipv4, services: ["db"]) == """
                127.0.0.1 localhost
                ::1 localhost ip6-localhost ip6-loopback
                10.77.0.1 n1 n1.ip4
                fd00:77::1 n1.ip6
                10.77.0.2 n2 n2.ip4
                fd00:77::2 n2.ip6
                10.77.254.1 db

                """)
        #expect(HostsFile.forNodes(["n1"], .ipv6).hasSuffix("\nfd00:77::1 n1 n1.ip6\n"))
        #expect(HostsFile.forClients(["n1"]).hasSuffix("127.77.0.1 n1\n"))
    }
}
