import ChaosCore

/// How nodes' lines look on a console: each with its node's name in front.
package struct NodeConsole: Sendable {
    /// ANSI foreground colours that are readable on dark and light: cyan, yellow, green, magenta,
    /// blue, red, and their bright forms.
    private static let colours = [36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91]

    private let prefixes: [NodeName: String]
    private let isColoured: Bool

    /// - Parameters:
    ///   - nodes: In order, which decides the colours.
    ///   - isColoured: Whether the console takes colours; the caller knows.
    package init(nodes: [NodeName], isColoured: Bool) {
        let width = nodes.map(\.text.count).max() ?? 0
        var prefixes: [NodeName: String] = [:]
        for (offset, node) in nodes.enumerated() {
            let name = node.text + String(repeating: " ", count: width - node.text.count)
            let colour = Self.colours[offset % Self.colours.count]
            prefixes[node] = isColoured ? "\u{1B}[\(colour)m\(name) |\u{1B}[0m " : "\(name) | "
        }
        self.prefixes = prefixes
        self.isColoured = isColoured
    }

    /// The line as it is printed, without a line end.
    package func text(_ line: NodeLine) -> String {
        (self.prefixes[line.node] ?? "\(line.node) | ") + line.text
            // What a line leaves coloured must not run into the next one's name.
            + (self.isColoured && line.text.contains("\u{1B}[") ? "\u{1B}[0m" : "")
    }
}
