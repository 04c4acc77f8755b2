import ChaosCore

extension FuzzTarget {
    /// JSON documents.
    static let json = FuzzTarget(
        "json", "JSON documents",
        seeds: [
            #"{"a":[1,-2.5e3,true,null,"x\ud83d\ude00\n"],"b":{"":{}}}"#, "[[[[]]]]", "-0", "1e999",
            #"{"a":1,"a":2}"#, "9223372036854775808", "\"\\u0000\"", " [ 1 , 2 ] ", "{",
        ]
    ) { bytes in
        guard let value = try? JSONValue(parsing: bytes) else { return }
        let again = try? JSONValue(parsing: value.text)
        try requireSame(again, value, "a document, written and read again")
        try requireSame(again?.text, value.text, "a document, written twice")
        try require(value.hashValue == again?.hashValue, "equal documents have different hashes")
        _ = value.value(at: "a.b.0.c")
    }
}
