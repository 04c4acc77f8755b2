import ChaosToxiproxy
import Testing

/// Requests with the answers they get, word for word.
///
/// A line `> METHOD TARGET BODY` asks; the line `< STATUS TYPE BODY` behind it is the answer. TYPE is
/// `json`, `text` (as Go's `http.Error` sends it), `-` for none, or another one in full. `↵` is a
/// newline, `@LOCATION` in place of the body a redirect.
struct Transcript {
    let lines: [Substring]

    init(_ text: String) {
        self.lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    /// Plays all requests and returns what was asked and what was answered.
    func play(on api: Toxiproxy) async -> String {
        var output: [String] = []
        for line in self.lines where line.hasPrefix("> ") {
            output.append(String(line))
            let parts = line.dropFirst(2).split(separator: " ", maxSplits: 2)
            let body = parts.count > 2 ? String(parts[2]).replacing("↵", with: "\n") : ""
            let request = ToxiproxyRequest(
                String(parts[0]), String(parts[1]), body: Array(body.utf8))
            output.append(Self.text(await api.answer(request)))
        }
        return output.joined(separator: "\n")
    }

    private static func text(_ response: ToxiproxyResponse) -> String {
        let fields = Dictionary(
            uniqueKeysWithValues: response.headers.map { ($0.name, $0.value) })
        let isText = fields["X-Content-Type-Options"] == "nosniff"
        let type =
            switch fields["Content-Type"] {
            case "application/json"?: "json"
            case "text/plain; charset=utf-8"? where isText: "text"
            case let other?: other
            case nil: "-"
            }
        let body = fields["Location"].map { "@" + $0 } ?? response.body
        return "< \(response.status) \(type) \(body.replacing("\n", with: "↵"))"
            .trimmingTrailingSpace
    }
}

extension String {
    var trimmingTrailingSpace: String { self.hasSuffix(" ") ? String(self.dropLast()) : self }
}
