import ChaosCore
import Synchronization

/// The links of a capture and where their packets go.
struct CapturedLinks: Sendable {
    let links: [Link]
    let file: CaptureFile
}

/// What a capture came to.
package struct CaptureSummary: Hashable, Sendable {
    /// Names the capture in its run.
    package let id: String
    /// How many packets it has.
    package let packets: Int
    /// How many it lacks, because they came faster than they could be taken or written.
    package let missing: Int
    /// Why not all could be written, if not.
    package let failure: String?
}

extension Lab {
    /// Begins to write the packets of links between nodes into a file or pipe (pcapng).
    ///
    /// - Returns: The links.
    /// - Throws: `LabError` when the file cannot be written or no link is meant.
    package func capture(
        _ id: String, _ links: [LinkPattern], to path: String,
        whenOver: @escaping @Sendable () -> Void
    ) async throws -> [Link] {
        #if os(Linux) && Lab
            guard let driver = self.driver.withLock({ $0 }) else {
                throw LabError("the lab has ended")
            }
            let captured = try await driver.beginCapture(id, links, to: path, whenOver: whenOver)
            self.captures.withLock { $0[id] = captured.file }
            return captured.links
        #else
            throw LabError("this chaos was built without the lab")
        #endif
    }

    /// Ends a capture and waits until all of it is written; nil when it has ended before.
    package func endCapture(_ id: String) async -> CaptureSummary? {
        #if os(Linux) && Lab
            let driver = self.driver.withLock { $0 }
            guard let file = self.captures.withLock({ $0.removeValue(forKey: id) }) else {
                return nil
            }
            let counts = await driver?.endCapture(id)
            let failure = await file.finish()
            return CaptureSummary(
                id: id, packets: counts?.packets ?? 0, missing: counts?.missing ?? 0,
                failure: failure)
        #else
            return nil
        #endif
    }
}
