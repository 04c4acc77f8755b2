import CBenchLinux
import Glibc

/// Waits for many sockets, level-triggered.
final class Epoll {
    /// What a socket is watched for.
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let input = Interest(rawValue: EPOLLIN.rawValue)
        static let output = Interest(rawValue: EPOLLOUT.rawValue)
    }

    private let descriptor: Int32
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    init() throws {
        self.descriptor = epoll_create1(0)
        if self.descriptor < 0 { throw BenchError("epoll: \(String(cString: strerror(errno)))") }
    }

    deinit { close(self.descriptor) }

    /// Watches a socket until it is closed; events carry `token`.
    func add(_ socket: Socket, for interest: Interest, token: Int) throws {
        try self.control(EPOLL_CTL_ADD, socket, interest, token)
    }

    /// Changes what a socket is watched for.
    func change(_ socket: Socket, to interest: Interest, token: Int) throws {
        try self.control(EPOLL_CTL_MOD, socket, interest, token)
    }

    private func control(
        _ operation: Int32, _ socket: Socket, _ interest: Interest, _ token: Int
    ) throws {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = UInt64(token)
        if epoll_ctl(self.descriptor, operation, socket.descriptor, &event) != 0 {
            throw BenchError("epoll: \(String(cString: strerror(errno)))")
        }
    }

    /// Waits at most `milliseconds` and tells the tokens of sockets with news.
    func wait(_ milliseconds: Int32, _ body: (_ token: Int) throws -> Void) throws {
        let count = epoll_wait(
            self.descriptor, &self.events, Int32(self.events.count), milliseconds)
        for index in 0..<max(0, Int(count)) { try body(Int(self.events[index].data.u64)) }
    }
}
