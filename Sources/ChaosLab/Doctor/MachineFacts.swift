import CLab
import Foundation

/// What a machine was found to have of what the lab needs.
package struct MachineFacts: Hashable, Sendable {
    /// What the lab needs, in the order in which it is tried.
    package enum Need: Int, CaseIterable, Hashable, Sendable {
        case namespaces, identity, privateMounts, proc, sysctl, secondNetwork, veth, rules, packets
        case transparent, hostName, netem, netemSeed

        /// Whether the lab can do without.
        package var isOptional: Bool { [.netem, .netemSeed, .transparent].contains(self) }
    }

    package var isLinux = true
    /// The kernel's release.
    package var kernel = ""
    /// Whether the lab is part of this build, and whether socket diagnostics are.
    package var isLabBuilt = true
    package var areDiagnosticsBuilt = true
    /// Whether this is root with the capabilities that root usually has.
    package var isPrivileged = false
    /// What came of trying each need: 0, an errno, or nil for what could not be tried.
    package var findings: [Need: Int32] = [:]
    /// Settings of the kernel that forbid namespaces to ordinary users; nil where it has none.
    package var maximumOfUserNamespaces: Int?
    package var unprivilegedClone: Int?
    package var appArmorRestriction: Int?
    /// Whether it looks like a container.
    package var isContainer = false
    /// How many files a process may have open: now, and if it asks.
    package var descriptors = (soft: 0, hard: 0)

    package init() {}

    package static func == (left: MachineFacts, right: MachineFacts) -> Bool {
        left.findings == right.findings && left.kernel == right.kernel
            && left.isLinux == right.isLinux && left.isPrivileged == right.isPrivileged
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.kernel)
        hasher.combine(self.findings)
    }

    /// Looks at this machine. Starts one process, which leaves nothing behind.
    package static func collect(areDiagnosticsBuilt: Bool) -> MachineFacts {
        var facts = MachineFacts()
        facts.areDiagnosticsBuilt = areDiagnosticsBuilt
        facts.isLabBuilt = Lab.isBuilt
        #if os(Linux)
            facts.kernel = self.text("/proc/sys/kernel/osrelease") ?? ""
            facts.isPrivileged = chaos_lab_is_privileged() != 0
            var finding = chaos_lab_finding()
            if chaos_lab_probe(&finding) == 0 {
                withUnsafeBytes(of: finding.errors) { bytes in
                    let errors = bytes.bindMemory(to: Int32.self)
                    for need in Need.allCases where errors[need.rawValue] >= 0 {
                        facts.findings[need] = errors[need.rawValue]
                    }
                }
            }
            facts.maximumOfUserNamespaces = self.number("/proc/sys/user/max_user_namespaces")
            facts.unprivilegedClone = self.number("/proc/sys/kernel/unprivileged_userns_clone")
            facts.appArmorRestriction = self.number(
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
            facts.isContainer = ["/.dockerenv", "/run/.containerenv"].contains {
                FileManager.default.fileExists(atPath: $0)
            }
            var limit = rlimit()
            if getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 {
                facts.descriptors = (
                    Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max)
                )
            }
        #else
            facts.isLinux = false
        #endif
        return facts
    }

    private static func text(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    private static func number(_ path: String) -> Int? { self.text(path).flatMap { Int($0) } }
}
