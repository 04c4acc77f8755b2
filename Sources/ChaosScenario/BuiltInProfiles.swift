/// The profiles that ship with chaos, embedded from `Profiles/`.
package enum BuiltInProfiles {
    /// A profile that ships with chaos.
    package struct Entry: Sendable {
        /// The name by which scenarios use it.
        package let name: String
        /// One line about it, from its file.
        package let summary: String
        /// The file's text.
        package let text: String
    }

    /// All of them.
    package static let all: [Entry] = []
}
