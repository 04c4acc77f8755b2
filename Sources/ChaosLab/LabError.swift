/// Says why the lab could not do something.
package struct LabError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence, and perhaps a hint on a line of its own.
    package let description: String

    package init(_ description: String) { self.description = description }
}
