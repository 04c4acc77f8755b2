/// Says why a node cannot run.
public struct NodeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble it is.
    public struct Code: Hashable, Sendable {
        private enum Kind: Hashable, Sendable {
            case usage
            case cannotListen
            case cannotStore
            case crashed
        }
        private let kind: Kind

        /// An argument breaks its rule. Exit code 64.
        public static let usage = Code(kind: .usage)
        /// The address to listen on cannot be had. Exit code 69.
        public static let cannotListen = Code(kind: .cannotListen)

        /// The node's folder cannot be read or written. Exit code 74.
        public static let cannotStore = Code(kind: .cannotStore)
        /// The node met something that it has no answer to, on purpose or not. Exit code 70.
        public static let crashed = Code(kind: .crashed)

        /// The exit code of `sysexits.h` that a program ends with.
        public var exitCode: Int32 {
            switch self.kind {
            case .usage: 64
            case .cannotListen: 69
            case .cannotStore: 74
            case .crashed: 70
            }
        }
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The rule that was broken, and what was found.
    public let sentence: String
    /// What to do instead, where that is known.
    public let hint: String?

    init(_ sentence: String, code: Code = .usage, hint: String? = nil) {
        self.code = code
        self.sentence = sentence
        self.hint = hint
    }

    /// The sentence, and the hint on a line of its own.
    public var description: String { self.sentence + (self.hint.map { "\nhint: \($0)" } ?? "") }
}
