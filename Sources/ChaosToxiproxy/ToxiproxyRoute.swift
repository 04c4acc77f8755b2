// Which path means what. Upstream's router matches decoded paths, redirects paths that are not clean,
// and knows no trailing slashes.

/// What a request asks for.
enum ToxiproxyRoute: Hashable {
    case listProxies, createProxy, populate, reset, version
    case showProxy(String), updateProxy(String), deleteProxy(String)
    case listToxics(String), createToxic(String)
    case showToxic(String, String), updateToxic(String, String), deleteToxic(String, String)

    /// What becomes of a request before anybody looks at its body.
    enum Match: Hashable {
        case route(ToxiproxyRoute)
        case notFound
        case methodNotAllowed
        case redirect(String)
    }

    /// Finds the route of a request.
    static func match(method: String, target: String) -> Match {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = Self.decoded(String(parts[0])) else { return .notFound }
        let clean = Self.cleaned(path)
        if clean != path {
            return .redirect(
                PercentEncoding.encode(clean, keeping: "/-_.~$&+:=@,;")
                    + (parts.count > 1 ? "?\(parts[1])" : ""))
        }
        guard let methods = Self.methods(of: path) else { return .notFound }
        guard let route = methods[method] else { return .methodNotAllowed }
        return .route(route)
    }

    /// The methods of a path, or `nil` for a path that does not exist.
    private static func methods(of path: String) -> [String: ToxiproxyRoute]? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            .map(String.init)
        if segments.contains("") { return nil }
        switch segments.count {
        case 1:
            switch segments[0] {
            case "proxies": return ["GET": .listProxies, "POST": .createProxy]
            case "populate": return ["POST": .populate]
            case "reset": return ["POST": .reset]
            case "version": return ["GET": .version]
            default: return nil
            }
        case 2 where segments[0] == "proxies":
            let proxy = segments[1]
            return [
                "GET": .showProxy(proxy), "POST": .updateProxy(proxy),
                "PATCH": .updateProxy(proxy), "DELETE": .deleteProxy(proxy),
            ]
        case 3 where segments[0] == "proxies" && segments[2] == "toxics":
            return ["GET": .listToxics(segments[1]), "POST": .createToxic(segments[1])]
        case 4 where segments[0] == "proxies" && segments[2] == "toxics":
            let (proxy, toxic) = (segments[1], segments[3])
            return [
                "GET": .showToxic(proxy, toxic), "POST": .updateToxic(proxy, toxic),
                "PATCH": .updateToxic(proxy, toxic), "DELETE": .deleteToxic(proxy, toxic),
            ]
        default: return nil
        }
    }

    /// A path without `%` escapes; `nil` where one is wrong.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: "%") {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            guard digits.count == 2 else { return nil }
            bytes.append(UInt8(digits[0] << 4 | digits[1]))
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A path without empty, `.` and `..` segments; a slash at its end stays.
    private static func cleaned(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
        }
        let clean = "/" + kept.joined(separator: "/")
        return path.hasSuffix("/") && clean != "/" ? clean + "/" : clean
    }
}
