import ChaosCore

/// Reads and writes the short text of faults, such as `delay=100ms,10ms`.
package struct FaultReader: Sendable {
    /// Reads words, one fault each.
    package let parse: @Sendable ([String]) throws(InputError) -> [Fault]
    /// Writes one fault as one word that `parse` reads.
    package let text: @Sendable (Fault) -> String

    /// Makes a reader.
    package init(
        parse: @escaping @Sendable ([String]) throws(InputError) -> [Fault],
        text: @escaping @Sendable (Fault) -> String
    ) {
        self.parse = parse
        self.text = text
    }
}
