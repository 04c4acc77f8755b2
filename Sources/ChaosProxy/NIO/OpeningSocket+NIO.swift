import ChaosSockets
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension OpeningSocket {
    /// Who opened an accepted connection; nil when that is over already, or cannot be told here.
    init?(_ channel: any Channel) {
        guard let local = channel.localAddress else { return nil }
        if local.protocol == .unix {
            guard let peer = UnixPeer(channel) else { return nil }
            self = .unix(peer)
            return
        }
        guard let remote = channel.remoteAddress, let own = SocketEnd(local),
            let peer = SocketEnd(remote)
        else { return nil }
        self = .tcp(SocketPair(local: peer, remote: own))
    }
}

extension UnixPeer {
    /// The process that connected to the socket of a channel; nil where that cannot be told.
    fileprivate convenience init?(_ channel: any Channel) {
        #if os(Linux)
            guard let provider = channel as? any SocketOptionProvider,
                let credentials = try? provider.valueNow(SO_PEERCRED, Credentials.self)
            else { return nil }
            do {
                let process = try provider.valueNow(Self.peerPIDFD, Int32.self)
                self.init(credentials, process: .success(process))
            } catch let error as IOError {
                let failure = UnixPeerFailure(errorNumber: error.errnoCode)
                self.init(credentials, process: .failure(failure))
            } catch {
                return nil
            }
        #else
            return nil
        #endif
    }
}

#if os(Linux)
    extension SocketOptionProvider {
        /// The value of an option of any type. On the event loop it is there at once.
        fileprivate func valueNow<Value: Sendable>(_ name: CInt, _: Value.Type) throws -> Value {
            var result: Result<Value, any Error> = .failure(ChannelError.operationUnsupported)
            let value: EventLoopFuture<Value> = self.unsafeGetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: name))
            value.assumeIsolated().whenComplete { result = $0 }
            return try result.get()
        }
    }
#endif
