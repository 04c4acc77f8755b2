import ChaosCore
import Foundation

/// What a machine can do, and the command that mends each thing it cannot.
package struct Diagnosis: Hashable, Sendable {
    /// One thing that was looked at.
    package struct Item: Hashable, Sendable {
        /// How it stands.
        package enum State: String, Hashable, Sendable {
            /// It is there.
            case ok
            /// It is not, and the lab needs it.
            case missing
            /// It is not, and everything goes without.
            case absent
        }

        package let name: String
        package let state: State
        /// What was found, in words.
        package let finding: String
        /// The command that mends it, as people type it; nil where there is none.
        package let remedy: String?
    }

    /// In the order in which one needs them.
    package let items: [Item]

    /// What is in the lab's way; nil where nothing is.
    package var obstacle: Item? { self.items.first { $0.state == .missing } }

    /// Whether the kernel has a network emulator.
    package var hasNetem: Bool {
        self.items.contains { $0.name == "kernel netem" && $0.state == .ok }
    }

    /// Judges what was found.
    package init(_ facts: MachineFacts) {
        var items: [Item] = []
        func add(
            _ name: String, _ state: Item.State, _ finding: String, remedy: String? = nil
        ) {
            items.append(Item(name: name, state: state, finding: finding, remedy: remedy))
        }
        if !facts.isLinux {
            add("Linux", .missing, "network namespaces are Linux's; the proxy works everywhere")
            self.items = items
            return
        }
        add("kernel", .ok, facts.kernel)
        let build = "sudo apt-get install --yes libnl-3-dev libnl-route-3-dev && swift build"
        if facts.isLabBuilt {
            add("libnl-route-3", .ok, "built in (package trait 'Lab')")
        } else {
            add("libnl-route-3", .missing, "built without the package trait 'Lab'", remedy: build)
        }
        if facts.areDiagnosticsBuilt {
            add("libnl-3", .ok, "built in (package trait 'Netlink')")
        } else {
            add(
                "libnl-3", .absent,
                "built without the package trait 'Netlink': the proxy cannot tell nodes apart that dial "
                    + "one address", remedy: build)
        }
        for need in MachineFacts.Need.allCases {
            let code = facts.findings[need]
            let name = need.name(isPrivileged: facts.isPrivileged)
            switch code {
            case 0: add(name, .ok, need == .namespaces && facts.isPrivileged ? "as root" : "works")
            case nil:
                // Something before it is missing, and that is what is to be mended.
                if need.isOptional { continue }
                add(name, .missing, "not tried, because something above it is missing")
            case let code?:
                add(
                    name, need.isOptional ? .absent : .missing,
                    String(cString: strerror(code)).lowercased(),
                    remedy: Self.remedy(for: need, code, facts))
            }
        }
        let (soft, hard) = facts.descriptors
        let limit = "\(hard) (now \(soft), and chaos asks for more)"
        if hard >= 4096 {
            add("open files", .ok, limit)
        } else {
            add(
                "open files", .absent, "\(limit): too few for the links of 25 nodes",
                remedy: "ulimit -n 65536")
        }
        self.items = items
    }

    /// The exact command that mends what a try came to.
    private static func remedy(
        for need: MachineFacts.Need, _ code: Int32, _ facts: MachineFacts
    ) -> String? {
        let unconfined =
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            + "--security-opt systempaths=unconfined …"
        switch need {
        case .namespaces, .identity:
            if facts.maximumOfUserNamespaces == 0 {
                return "sudo sysctl -w user.max_user_namespaces=65536"
            }
            if facts.unprivilegedClone == 0 {
                return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
            }
            if facts.appArmorRestriction == 1 {
                return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
            }
            if facts.isContainer { return unconfined }
            return facts.isPrivileged ? nil : "sudo chaos …"
        case .privateMounts, .proc, .sysctl, .hostName: return facts.isContainer ? unconfined : nil
        case .veth: return "sudo modprobe veth"
        case .netem: return "sudo modprobe -a sch_netem sch_htb cls_u32"
        case .secondNetwork, .rules, .packets, .transparent, .netemSeed: return nil
        }
    }

    /// One line for each thing, and one below for what mends it.
    package var lines: [String] {
        let width = self.items.map(\.name.count).max() ?? 0
        return self.items.flatMap { item in
            let mark =
                switch item.state {
                case .ok: "ok     "
                case .missing: "MISSING"
                case .absent: "absent "
                }
            let name = item.name + String(repeating: " ", count: width - item.name.count)
            let line = "\(mark)  \(name)  \(item.finding)"
            let indent = String(repeating: " ", count: 9 + width + 2)
            return [line] + (item.remedy.map { ["\(indent)mend: \($0)"] } ?? [])
        }
    }

    /// The same for programs.
    package var json: JSONValue {
        .array(
            self.items.map { item in
                var object: JSONObject = [
                    "name": .string(item.name), "state": .string(item.state.rawValue),
                    "finding": .string(item.finding),
                ]
                if let remedy = item.remedy { object["remedy"] = .string(remedy) }
                return .object(object)
            })
    }
}

extension MachineFacts.Need {
    fileprivate func name(isPrivileged: Bool) -> String {
        switch self {
        case .namespaces: isPrivileged ? "namespaces" : "user namespaces"
        case .identity: "own user inside"
        case .privateMounts: "private mounts"
        case .proc: "own /proc"
        case .sysctl: "network settings"
        case .secondNetwork: "network namespaces"
        case .veth: "veth interfaces"
        case .rules: "rules of routing"
        case .packets: "packet sockets"
        case .transparent: "IP_TRANSPARENT"
        case .hostName: "host names"
        case .netem: "kernel netem"
        case .netemSeed: "seed of netem"
        }
    }
}
