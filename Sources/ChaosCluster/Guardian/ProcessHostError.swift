/// Why the guardian could not do what it was asked for.
package struct ProcessHostError: Error, Hashable, CustomStringConvertible {
    /// What kind of thing went wrong.
    package enum Code: Hashable, Sendable {
        /// The guardian could not be started, or is gone.
        case noGuardian
        /// The command names no program that can run.
        case program
        /// The working directory cannot be entered.
        case directory
        /// A limit of the system or of the guardian is reached.
        case limit
        /// The process has ended.
        case ended
        /// Any other system call.
        case system
    }

    package let code: Code
    /// The rule and what was found, without the name of the node.
    package let message: String
    /// What may help.
    package let hint: String?

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The rule and, on a line of its own, the hint.
    package var description: String {
        guard let hint = self.hint else { return self.message }
        return "\(self.message)\nhint: \(hint)"
    }
}
