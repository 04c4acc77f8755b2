/// What the system and SwiftNIO allow as the path of a Unix socket.
package enum SocketPath {
    /// Bytes without the final NUL: of `sun_path` on macOS and the BSDs (unix(4): 104), and of what
    /// NIO's `SocketAddress` takes anywhere. Linux itself would take 107.
    package static let limit = 103
}
