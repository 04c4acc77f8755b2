import NIOCore

/// Cuts received bytes into lines of bounded length.
struct LineBuffer {
    /// What comes out.
    enum Line {
        /// The bytes of a line without the line feed.
        case complete(ByteBuffer)
        /// A line grew over the limit; what remains of it is thrown away.
        case tooLong
    }

    private let limit: Int
    private var bytes = ByteBuffer()
    /// How many of the readable bytes are known to hold no line feed.
    private var scanned = 0
    private var isDiscarding = false

    init(limit: Int) { self.limit = limit }

    mutating func append(_ received: ByteBuffer) {
        var received = received
        if self.bytes.readableBytes == 0 {
            self.bytes = received
            self.scanned = 0
        } else {
            self.bytes.discardReadBytes()
            self.bytes.writeBuffer(&received)
        }
    }

    /// The next line that is not blank, if there is one.
    mutating func next() -> Line? {
        while true {
            let view = self.bytes.readableBytesView
            let start = view.startIndex
            guard let feed = view[(start + self.scanned)...].firstIndex(of: 0x0A) else {
                self.scanned = view.count
                if view.count <= self.limit { return nil }
                self.reset()
                if self.isDiscarding { return nil }
                self.isDiscarding = true
                return .tooLong
            }
            let line = self.bytes.readSlice(length: feed - start)
            self.bytes.moveReaderIndex(forwardBy: 1)
            self.scanned = 0
            if self.isDiscarding {
                self.isDiscarding = false
                continue
            }
            guard let line, !line.isBlank else { continue }
            return line.readableBytes > self.limit ? .tooLong : .complete(line)
        }
    }

    /// What stands behind the last line feed when no more bytes come.
    mutating func finish() -> Line? {
        let rest = self.bytes
        self.reset()
        return self.isDiscarding || rest.isBlank ? nil : .complete(rest)
    }

    private mutating func reset() {
        self.bytes = ByteBuffer()
        self.scanned = 0
    }
}

extension ByteBuffer {
    fileprivate var isBlank: Bool {
        self.readableBytesView.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }
    }
}
