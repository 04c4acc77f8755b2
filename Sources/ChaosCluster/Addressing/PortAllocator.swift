import ChaosCore
import ChaosScenario

/// Gives port numbers that are free, each at most once.
package protocol PortAllocator {
    /// The next free number on an address.
    ///
    /// - Throws: `InputError` when none is left.
    mutating func next(
        on host: String, _ transport: PortSpec.Transport, avoiding taken: Set<UInt16>
    ) throws(InputError) -> UInt16
}
