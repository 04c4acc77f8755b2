import CLab
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The way into namespaces of one's own, and what is known there of the outside.
///
/// A process with threads cannot take it (clone(2)), so chaos executes itself again, and the C module
/// `CLab` goes in before the program's `main`.
package struct LabEntrance: Sendable {
    /// Where the broker answers, which opens sockets outside.
    package let broker: Int32
    /// The process that the user started, as the outside knows it.
    package let launcher: Int32
    /// The first process of the lab, as the outside knows it.
    package let initProcess: Int32

    /// What this process knows if it is inside; nil outside.
    package static let current: LabEntrance? = {
        guard let text = getenv(CHAOS_LAB_INSIDE) else { return nil }
        let parts = String(cString: text).split(separator: ":").compactMap { Int32($0) }
        // Nodes and commands are not to take themselves for chaos.
        unsetenv(CHAOS_LAB_INSIDE)
        guard parts.count == 3 else { return nil }
        return LabEntrance(broker: parts[0], launcher: parts[1], initProcess: parts[2])
    }()

    /// Whether this process is in a lab, as chaos itself or as something that chaos started there.
    package static var isInside: Bool {
        (try? String(contentsOfFile: "/proc/1/comm", encoding: .utf8)) == "chaos-lab-init\n"
    }

    /// Executes this program again, inside. Returns only when that did not work.
    package static func enter(_ arguments: [String]) -> LabError {
        setenv(CHAOS_LAB_REQUEST, "run", 1)
        defer { unsetenv(CHAOS_LAB_REQUEST) }
        return self.executeAgain(arguments)
    }

    /// Executes this program again as a process of a lab that lives; its `main` then sees these
    /// arguments again, and ``hasEntered`` is true.
    ///
    /// - Parameters:
    ///   - initProcess: The lab's first process, as the outside knows it.
    ///   - network: The network namespace, as a path inside.
    ///   - name: The host's name there.
    package static func enter(
        _ arguments: [String], labOf initProcess: Int32, network: String, name: String
    ) -> LabError {
        setenv(CHAOS_LAB_ENTER_INIT, String(initProcess), 1)
        setenv(CHAOS_LAB_ENTER_NETWORK, network, 1)
        setenv(CHAOS_LAB_ENTER_NAME, name, 1)
        setenv(CHAOS_LAB_REQUEST, "enter", 1)
        defer {
            for name in [
                CHAOS_LAB_ENTER_INIT, CHAOS_LAB_ENTER_NETWORK, CHAOS_LAB_ENTER_NAME,
                CHAOS_LAB_REQUEST,
            ] { unsetenv(name) }
        }
        return self.executeAgain(arguments)
    }

    /// Whether this process has just entered a node's namespaces; asks once.
    package static func hasEntered() -> Bool {
        guard getenv(CHAOS_LAB_ENTER_INIT) != nil else { return false }
        for name in [CHAOS_LAB_ENTER_INIT, CHAOS_LAB_ENTER_NETWORK, CHAOS_LAB_ENTER_NAME] {
            unsetenv(name)
        }
        return true
    }

    private static func executeAgain(_ arguments: [String]) -> LabError {
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        execv("/proc/self/exe", &words)
        return LabError("chaos cannot execute itself again: \(String(cString: strerror(errno)))")
    }
}
