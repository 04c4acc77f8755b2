/// What the system allows as the path of a Unix socket.
package enum SocketPath {
    #if os(Linux)
        /// Bytes of `sun_path` without the final NUL that programs put there (unix(7): 108).
        package static let limit = 107
    #else
        /// Bytes of `sun_path` on macOS and the BSDs: 104 with the final NUL.
        package static let limit = 103
    #endif
}
