import ChaosCluster
import ChaosCore
import Foundation
import Synchronization
import Testing

/// A named pipe that programs write lines into.
@Suite("Line pipe") struct LinePipeTests {
    private let path = FileManager.default.temporaryDirectory
        .appending(path: "chaos-\(UUID().uuidString).pipe").path

    private func shell(_ script: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script, "sh", self.path]
        try process.run()
        return process
    }

    @Test func everythingWrittenBeforeTheEndIsRead() async throws {
        let lines = Mutex<[String]>([])
        let pipe = try LinePipe(path: self.path) { line in lines.withLock { $0.append(line) } }
        // More than a pipe holds, so that the writer waits for the reader.
        let writer = try self.shell(
            "i=0; while [ $i -lt 3000 ]; do echo \"line $i of many, long enough to fill a pipe\"; "
                + "i=$((i+1)); done >> \"$1\"; printf 'without an end' >> \"$1\"")
        writer.waitUntilExit()
        await pipe.finish()
        let read = lines.withLock { $0 }
        #expect(read.count == 3001)
        #expect(read.first == "line 0 of many, long enough to fill a pipe")
        #expect(read.dropLast().last == "line 2999 of many, long enough to fill a pipe")
        #expect(read.last == "without an end")
        #expect(!FileManager.default.fileExists(atPath: self.path))
    }

    @Test func writersThatComeAndGoDoNotEndIt() async throws {
        let lines = Mutex<[String]>([])
        let pipe = try LinePipe(path: self.path) { line in lines.withLock { $0.append(line) } }
        for number in 0..<3 {
            try self.shell("echo \(number) >> \"$1\"").waitUntilExit()
        }
        await pipe.finish()
        #expect(lines.withLock { $0 } == ["0", "1", "2"])
    }

    @Test func aPathWhereNoneCanBeIsNamed() {
        let error = #expect(throws: InputError.self) {
            try LinePipe(path: "/nowhere/x.pipe") { _ in }
        }
        #expect(error?.found == "/nowhere/x.pipe")
    }
}
