import ChaosCore
import Foundation
import NodeKit
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Answers `ping`, and sends `tick` to a client every millisecond up to a number.
private struct Ticker: Node {
    private var ticks: Int64 = 0

    mutating func handle(_ input: Input, at now: Duration) -> [Effect] {
        switch input {
        case .started: return [.setTimer("tick", after: .milliseconds(1))]
        case .timer:
            self.ticks += 1
            let tick = Effect.send(to: "c2", ["type": "tick", "number": .int(self.ticks)])
            return self.ticks < 3 ? [tick, .setTimer("tick", after: .milliseconds(1))] : [tick]
        case .message(let message): return [.reply(to: message, ["type": "pong"])]
        }
    }
}

@Suite("Nodes over standard input and output", .timeLimit(.minutes(1)))
struct StandardIONodeTests {
    @Test func speaksMaelstromsProtocol() async throws {
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        #expect(pipe(&input) == 0 && pipe(&output) == 0)
        let (inputEnd, outputEnd) = (input[0], output[1])
        let sentences = Sentences()
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        // A thread of its own, because the node blocks it.
        Thread.detachNewThread {
            var node = StandardIONode(
                Ticker(), seed: 1, input: inputEnd, output: outputEnd, log: sentences.add)
            do { try node.run() } catch { sentences.add("\(error)") }
            close(outputEnd)
            continuation.finish()
        }
        var reader = PipeReader(descriptor: output[0])
        write(
            #"{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","#
                + #""node_ids":["n1"]}}"# + "\n", to: input[1])
        #expect(
            reader.nextLine()
                == #"{"src":"n1","dest":"c1","body":{"type":"init_ok","in_reply_to":1}}"#)
        for number in 1...3 {
            #expect(
                reader.nextLine()
                    == #"{"src":"n1","dest":"c2","body":{"type":"tick","number":\#(number)}}"#)
        }
        write("nonsense\n", to: input[1])
        // Cut in the middle of the message.
        write(#"{"src":"c1","dest":"n1","body":{"type":"pi"#, to: input[1])
        write(#"ng","msg_id":2}}"# + "\n", to: input[1])
        #expect(
            reader.nextLine() == #"{"src":"n1","dest":"c1","body":{"type":"pong","in_reply_to":2}}"#
        )
        #expect(await sentences.next()?.hasPrefix("skipped a line of 8 bytes: ") == true)
        close(input[1])
        for await _ in ended {}
        #expect(reader.nextLine() == nil)
        close(input[0])
        close(output[0])
    }
}

private func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
}

/// Reads lines from a pipe, waiting for each.
private struct PipeReader {
    let descriptor: Int32
    private var reader = LineReader()
    private var lines: [String] = []

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func nextLine() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while self.lines.isEmpty {
            let count = read(self.descriptor, &bytes, bytes.count)
            if count <= 0 { return nil }
            for case .line(let line) in self.reader.read(bytes[..<count]) {
                self.lines.append(String(decoding: line, as: UTF8.self))
            }
        }
        return self.lines.removeFirst()
    }
}
