import Dispatch
import Foundation
import Synchronization

/// Appends lines to a file from any thread without waiting for the disk.
///
/// Lines are gathered and written at least every 100 ms, so what a killed process leaves lacks at
/// most the last of them, and no line is torn between two writers.
package final class LineFile: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var isFlushPlanned = false
        var isClosed = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let queue: DispatchQueue
    private let handle: FileHandle
    private let path: String

    /// Opens a file for appending, and makes it if it is missing.
    package init(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        self.handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        self.path = path
        self.queue = DispatchQueue(label: "chaos.lines")
    }

    /// Adds a line; the line feed is added here.
    package func append(_ line: String) { self.append([line]) }

    /// Adds lines that stay together.
    package func append(_ lines: [String]) {
        let (mustPlan, isLarge) = self.state.withLock { state -> (Bool, Bool) in
            if state.isClosed { return (false, false) }
            for line in lines {
                state.buffer += line.utf8
                state.buffer.append(0x0A)
            }
            defer { state.isFlushPlanned = true }
            return (!state.isFlushPlanned, state.buffer.count > 1 << 20)
        }
        if isLarge {
            self.queue.async { self.flush() }
        } else if mustPlan {
            self.queue.asyncAfter(deadline: .now() + .milliseconds(100)) { self.flush() }
        }
    }

    private func flush() {
        let bytes = self.state.withLock { state in
            defer {
                state.buffer.removeAll(keepingCapacity: true)
                state.isFlushPlanned = false
            }
            return state.buffer
        }
        if bytes.isEmpty { return }
        do { try self.handle.write(contentsOf: bytes) } catch {
            self.state.withLock { $0.failure = "\(self.path): cannot be written: \(error)" }
        }
    }

    /// Writes what is left and closes the file; later lines are ignored.
    ///
    /// - Returns: Why lines are missing in the file, or `nil` if none are.
    @discardableResult
    package func close() -> String? {
        self.queue.sync { self.flush() }
        let (failure, wasClosed) = self.state.withLock { state in
            defer { state.isClosed = true }
            return (state.failure, state.isClosed)
        }
        if !wasClosed { try? self.handle.close() }
        return failure
    }
}
