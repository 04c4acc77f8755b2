import ChaosSockets
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension SocketEnd {
    /// The end that an address is; nil for a Unix socket's.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) { storage in
                withUnsafeBytes(of: address.address) { storage.copyMemory(from: $0) }
            }
            self.init(storage)
        case .v6(let address):
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) { storage in
                withUnsafeBytes(of: address.address) { storage.copyMemory(from: $0) }
            }
            self.init(storage)
        case .unixDomainSocket: return nil
        }
    }
}
