/// The exit codes of the command (design, section 6).
package enum ChaosExit {
    /// Everything that was checked is valid.
    package static let valid: Int32 = 0
    /// Something that was checked is invalid, or not what was expected.
    package static let invalid: Int32 = 1
    /// Nobody knows; also when a fault touched nothing.
    package static let unknown: Int32 = 2
    /// The command line is wrong.
    package static let usage: Int32 = 64
    /// An input file is wrong.
    package static let badInput: Int32 = 65
    /// The environment lacks something.
    package static let unavailable: Int32 = 69
    /// A bug of ours.
    package static let bug: Int32 = 70
    /// A node died unexpectedly.
    package static let nodeDied: Int32 = 75
    /// Interrupted by the user.
    package static let interrupted: Int32 = 130
}
