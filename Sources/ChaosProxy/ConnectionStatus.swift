import ChaosCore

/// What one open connection holds in the proxy.
package struct ConnectionStatus: Hashable, Sendable {
    /// The link over which it was opened.
    package let link: Link
    /// Its number among the connections opened over that link, from 0.
    package let ordinal: Int
    /// When it was opened.
    package let openedAt: Instant
    /// How many bytes wait in the engine, both directions together.
    package let queuedBytes: Int
    /// How many bytes were written and wait for room in the kernel, both directions together.
    package let bufferedBytes: Int
}
