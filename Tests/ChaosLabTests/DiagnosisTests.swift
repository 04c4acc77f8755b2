import ChaosCore
import ChaosLab
import Testing

/// What `chaos doctor` says of machines that lack something.
struct DiagnosisTests {
    /// A machine that has everything but kernel netem.
    private var healthy: MachineFacts {
        var facts = MachineFacts()
        facts.kernel = "6.1.0"
        for need in MachineFacts.Need.allCases { facts.findings[need] = 0 }
        facts.findings[.netem] = 2
        facts.maximumOfUserNamespaces = 10_000
        facts.descriptors = (1024, 1_048_576)
        return facts
    }

    private func item(_ facts: MachineFacts, _ name: String) throws -> Diagnosis.Item {
        try #require(Diagnosis(facts).items.first { $0.name == name })
    }

    @Test func aHealthyMachineLacksNothing() throws {
        let diagnosis = Diagnosis(self.healthy)
        #expect(diagnosis.obstacle == nil)
        let netem = try self.item(self.healthy, "kernel netem")
        #expect(netem.state == .absent)
        #expect(netem.remedy == "sudo modprobe -a sch_netem sch_htb cls_u32")
        #expect(try self.item(self.healthy, "open files").state == .ok)
    }

    /// Everything behind what is missing could not be tried; the first is what is in the way.
    @Test(arguments: [
        (Int?(0), Int?.none, Int?.none, false, "sudo sysctl -w user.max_user_namespaces=65536"),
        (10, 0, nil, false, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        (10, nil, 1, false, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        (10, nil, nil, false, "sudo chaos …"),
    ])
    func namespacesAreForbidden(
        _ maximum: Int?, _ clone: Int?, _ restriction: Int?, _ isContainer: Bool, _ remedy: String
    ) throws {
        var facts = self.healthy
        facts.findings = [.namespaces: 1]
        facts.maximumOfUserNamespaces = maximum
        facts.unprivilegedClone = clone
        facts.appArmorRestriction = restriction
        facts.isContainer = isContainer
        let obstacle = try #require(Diagnosis(facts).obstacle)
        #expect(obstacle.name == "user namespaces")
        #expect(obstacle.finding == "operation not permitted")
        #expect(obstacle.remedy == remedy)
        let later = try self.item(facts, "veth interfaces")
        #expect(later.state == .missing && later.finding.hasPrefix("not tried"))
    }

    @Test func containersNeedTheirOptions() throws {
        var facts = self.healthy
        facts.isContainer = true
        facts.isPrivileged = false
        facts.findings[.proc] = 1
        let obstacle = try #require(Diagnosis(facts).obstacle)
        #expect(obstacle.name == "own /proc")
        #expect(obstacle.remedy?.contains("--security-opt systempaths=unconfined") == true)
    }

    @Test func buildsWithoutTheTraitSaySo() throws {
        var facts = self.healthy
        facts.isLabBuilt = false
        let obstacle = try #require(Diagnosis(facts).obstacle)
        #expect(obstacle.name == "libnl-route-3")
        #expect(obstacle.remedy?.hasPrefix("sudo apt-get install") == true)
        var elsewhere = MachineFacts()
        elsewhere.isLinux = false
        #expect(Diagnosis(elsewhere).items.map(\.name) == ["Linux"])
        #expect(Diagnosis(elsewhere).obstacle?.remedy == nil)
    }

    @Test func linesNameStateFindingAndRemedy() {
        var facts = self.healthy
        facts.findings[.veth] = 95
        let lines = Diagnosis(facts).lines
        #expect(
            lines.contains { $0.hasPrefix("MISSING  veth interfaces     operation not supported") },
            "\(lines)")
        #expect(lines.contains { $0.hasSuffix("mend: sudo modprobe veth") })
    }
}
