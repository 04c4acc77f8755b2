// Filling fields the way Go's decoder does: `null` keeps what was there, unknown keys are ignored, of
// several keys with one meaning the last wins.

extension GoJSON {
    /// Goes through the members of an object by the lower-case form of their keys.
    ///
    /// - Parameter type: The Go type that errors name.
    func forEachField(
        of type: String, _ body: (_ key: String, _ value: GoJSON) throws(GoJSONError) -> Void
    ) throws(GoJSONError) {
        switch self {
        case .null: return
        case .object(let members):
            for member in members where member.value != .null {
                try body(Self.folded(member.key), member.value)
            }
        default:
            throw GoJSONError("json: cannot unmarshal \(self.kind) into Go value of type \(type)")
        }
    }

    /// A key without its case. Go also folds the long s and the Kelvin sign (Unicode's simple folds of
    /// ASCII letters).
    static func folded(_ key: String) -> String {
        String(
            String.UnicodeScalarView(
                key.unicodeScalars.map { scalar in
                    switch scalar {
                    case "A"..."Z": Unicode.Scalar(UInt8(scalar.value) | 0x20)
                    case "\u{017F}": "s"
                    case "\u{212A}": "k"
                    default: scalar
                    }
                }))
    }

    func text(_ field: String) throws(GoJSONError) -> String {
        guard case .string(let text) = self else { throw .type(self, field, "string") }
        return text
    }

    func flag(_ field: String) throws(GoJSONError) -> Bool {
        guard case .bool(let flag) = self else { throw .type(self, field, "bool") }
        return flag
    }

    /// A whole number; `1.0` and `1e3` are none.
    func integer(_ field: String, _ type: String = "int64") throws(GoJSONError) -> Int64 {
        guard case .number(let literal) = self, let number = Int64(literal) else {
            throw .type(self, field, type)
        }
        return number
    }

    func double(_ field: String) throws(GoJSONError) -> Double {
        guard case .number(let literal) = self, let number = Double(literal), number.isFinite else {
            throw .type(self, field, "float64")
        }
        return number
    }

    func float(_ field: String) throws(GoJSONError) -> Float {
        guard case .number(let literal) = self, let number = Float(literal), number.isFinite else {
            throw .type(self, field, "float32")
        }
        return number
    }
}
