/// What a report shows of one node's log: the states of the node, the first lines, the last ones, and
/// those in between that read as if something had gone wrong; and how many there were at each time.
///
/// It is made line by line and stays small, however long the log is.
package struct LogExcerpt: Hashable, Sendable {
    /// How many lines of each kind are kept.
    package struct Limits: Hashable, Sendable {
        /// From the beginning.
        package var first = 60
        /// From the end.
        package var last = 140
        /// That read like trouble: the first half of them from the beginning, the others from the end.
        package var trouble = 120
        /// That tell a state, likewise.
        package var states = 200

        /// The usual numbers.
        package init() {}
    }

    /// The node's name.
    package let node: String
    /// The lines that were kept, in their order.
    package var lines: [LogLine] {
        var kept = self.first.lines
        // A line may be among the last and tell a state, too.
        for list in [self.trouble.lines, self.stateLines.lines, self.last.lines] { kept += list }
        kept.sort { $0.number < $1.number }
        var lines: [LogLine] = []
        for line in kept where line.number != lines.last?.number { lines.append(line.line) }
        return lines
    }
    /// How many lines the log has.
    package private(set) var total = 0
    /// How many of them read like trouble.
    package private(set) var troubleCount = 0
    /// The states of the node over time.
    package var states: [NodeSpan] {
        var spans: [NodeSpan] = []
        for line in self.stateLines.lines {
            if let last = spans.indices.last { spans[last].to = line.seconds }
            spans.append(NodeSpan(node: self.node, state: line.line.text, from: line.seconds))
        }
        return spans
    }
    /// How much the node wrote at each time.
    package private(set) var histogram = LogHistogram()

    private var first: EndsOfList
    private var last: EndsOfList
    private var trouble: EndsOfList
    private var stateLines: EndsOfList

    /// Makes the excerpt of an empty log.
    package init(node: String, limits: Limits = Limits()) {
        self.node = node
        self.first = EndsOfList(first: limits.first, last: 0)
        self.last = EndsOfList(first: 0, last: limits.last)
        self.trouble = EndsOfList(first: limits.trouble / 2, last: limits.trouble / 2)
        self.stateLines = EndsOfList(first: limits.states / 2, last: limits.states / 2)
    }

    /// Makes the excerpt of a log that is at hand as a whole.
    package init(node: String, log: String, limits: Limits = Limits()) {
        self.init(node: node, limits: limits)
        for line in Array(log.utf8).split(separator: 0x0A) { self.append(line) }
    }

    /// Takes the next line of the log, without its end. What is no line of a log is not counted.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard let raw = RawLogLine(bytes) else { return }
        self.total += 1
        let isTrouble = raw.source != .state && TroubleWords.occur(in: raw.text)
        if isTrouble { self.troubleCount += 1 }
        let line = raw.kept(as: self.total, isTrouble: isTrouble)
        self.first.append(line)
        self.last.append(line)
        if isTrouble { self.trouble.append(line) }
        if raw.source == .state { self.stateLines.append(line) } else { self.histogram.add(line) }
    }
}

/// The first and the last elements of a list whose middle is forgotten.
private struct EndsOfList: Hashable {
    private let firstMax: Int
    private let lastMax: Int
    private var first: [KeptLogLine] = []
    /// A ring; its oldest element lies at `oldest`.
    private var last: [KeptLogLine] = []
    private var oldest = 0

    init(first: Int, last: Int) {
        self.firstMax = first
        self.lastMax = last
    }

    mutating func append(_ line: KeptLogLine) {
        if self.first.count < self.firstMax {
            self.first.append(line)
        } else if self.last.count < self.lastMax {
            self.last.append(line)
        } else if self.lastMax > 0 {
            self.last[self.oldest] = line
            self.oldest = (self.oldest + 1) % self.lastMax
        }
    }

    var lines: [KeptLogLine] { self.first + self.last[self.oldest...] + self.last[..<self.oldest] }
}
