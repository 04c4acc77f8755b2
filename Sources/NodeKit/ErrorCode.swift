/// A code of an `error` reply, as Maelstrom numbers them.
///
/// Codes below 1000 are reserved; a node may use its own from 1000 on, which are never definite.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    /// The code's number.
    public let rawValue: Int64

    /// Makes a code from its number.
    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// The operation did not finish in time; it may still take effect.
    public static let timeout = ErrorCode(rawValue: 0)
    /// The message was for a node that does not exist.
    public static let nodeNotFound = ErrorCode(rawValue: 1)
    /// The node does not know this type of request.
    public static let notSupported = ErrorCode(rawValue: 10)
    /// The node cannot serve the request at the moment, and did nothing.
    public static let temporarilyUnavailable = ErrorCode(rawValue: 11)
    /// The request lacks something, or has it in the wrong form.
    public static let malformedRequest = ErrorCode(rawValue: 12)
    /// Something broke inside; the operation may have taken effect.
    public static let crash = ErrorCode(rawValue: 13)
    /// The node gave the operation up, and it had no effect.
    public static let abort = ErrorCode(rawValue: 14)
    /// The key is not there.
    public static let keyDoesNotExist = ErrorCode(rawValue: 20)
    /// The key is there already.
    public static let keyAlreadyExists = ErrorCode(rawValue: 21)
    /// The value was not the expected one.
    public static let preconditionFailed = ErrorCode(rawValue: 22)
    /// The transaction collided with another one and was undone.
    public static let transactionConflict = ErrorCode(rawValue: 30)

    /// Whether the operation certainly had no effect.
    public var isDefinite: Bool {
        [1, 10, 11, 12, 14, 20, 21, 22, 30].contains(self.rawValue)
    }
}
