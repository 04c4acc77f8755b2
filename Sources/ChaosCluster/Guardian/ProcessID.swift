/// The kernel's number for a process.
package struct ProcessID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package init(_ rawValue: Int32) { self.rawValue = rawValue }

    package var description: String { String(self.rawValue) }
}
