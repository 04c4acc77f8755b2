import NodeKit
import Testing

/// Supervisors against the rules of Erlang/OTP, in virtual time.
@Suite struct SupervisorTests {
    /// Writes down when it starts and when it is asked to end.
    private struct Worker: Behaviour {
        var obeys = true

        mutating func handle(
            _ mail: Mail, _ context: inout ProcessContext
        ) throws(ProcessExit) {
            switch mail {
            case .started:
                context.trapExits()
                context.append("started")
            case .exit(_, let reason):
                context.append("asked")
                if self.obeys { throw ProcessExit(reason) }
            case .cast(let body):
                throw body["type"] == "finish" ? ProcessExit(.normal) : .crash("as told")
            default: break
            }
        }
    }

    /// A table with one supervisor, and what its children wrote.
    private struct Bench {
        var table = ProcessTable()
        var trace: [String] = []

        init(_ supervisor: Supervisor) {
            self.table.start(Membership(id: "n1", members: ["n1"], seed: 1))
            self.table.spawn(supervisor, name: "root")
            self.run(at: .zero)
        }

        mutating func run(at now: Duration) {
            for effect in self.table.run(at: now) {
                if case .append(let record) = effect, let name = record["process"]?.stringValue,
                    let what = record["record"]?.stringValue
                {
                    self.trace.append("\(name) \(what)")
                }
            }
        }

        mutating func crash(_ name: String, at now: Duration = .zero) {
            self.trace = []
            _ = self.table.exit(named: name, .crash("test"))
            self.run(at: now)
        }

        func living(_ names: [String] = ["a", "b", "c"]) -> [PID?] {
            names.map { self.table.process(named: $0) }
        }
    }

    private static func children(
        _ restart: Supervisor.Restart = .permanent,
        shutdown: Supervisor.Shutdown = .within(.seconds(5)), obeys: Bool = true
    ) -> [Supervisor.Child] {
        ["a", "b", "c"].map { name in
            Supervisor.Child(name, restart: restart, shutdown: shutdown) { Worker(obeys: obeys) }
        }
    }

    @Test func childrenStartInOrder() {
        let bench = Bench(Supervisor(.oneForOne, Self.children()))
        #expect(bench.trace == ["a started", "b started", "c started"])
    }

    @Test func oneForOneStartsOnlyTheOneThatEnded() {
        var bench = Bench(Supervisor(.oneForOne, Self.children()))
        let before = bench.living()
        bench.crash("b")
        let after = bench.living()
        #expect(bench.trace == ["b started"])
        #expect(after[0] == before[0] && after[2] == before[2])
        #expect(after[1] != nil && after[1] != before[1])
    }

    @Test func restForOneStopsThoseBehindInReverseAndStartsThemInOrder() {
        var bench = Bench(Supervisor(.restForOne, Self.children()))
        let before = bench.living()
        bench.crash("b")
        #expect(bench.trace == ["c asked", "b started", "c started"])
        #expect(bench.living()[0] == before[0])
    }

    @Test func oneForAllStopsAllInReverseAndStartsThemInOrder() {
        var bench = Bench(Supervisor(.oneForAll, Self.children()))
        bench.crash("b")
        #expect(bench.trace == ["c asked", "a asked", "a started", "b started", "c started"])
    }

    @Test(arguments: [
        (Supervisor.Restart.permanent, true, true), (.transient, false, true),
        (.temporary, false, false),
    ])
    func whoIsStartedAgain(
        _ restart: Supervisor.Restart, afterNormal: Bool, afterCrash: Bool
    ) {
        var bench = Bench(Supervisor(.oneForOne, Self.children(restart)))
        _ = bench.table.exit(named: "a", .normal)
        bench.run(at: .zero)
        bench.crash("b")
        let living = bench.living().map { $0 != nil }
        #expect(living == [afterNormal, afterCrash, true])
    }

    @Test func temporaryChildrenDoNotComeBackWithTheOthers() {
        let children = [
            Supervisor.Child("a") { Worker() },
            Supervisor.Child("b", restart: .temporary) { Worker() },
            Supervisor.Child("c") { Worker() },
        ]
        var bench = Bench(Supervisor(.oneForAll, children))
        bench.crash("a")
        #expect(bench.trace == ["c asked", "b asked", "a started", "c started"])
    }

    /// Test vectors of the course: three restarts in five seconds are survived.
    @Test(arguments: [
        ([0, 1, 2], true), ([0, 1, 2, 3], false), ([0, 2, 4, 6], true),
    ])
    func intensity(_ crashes: [Int], survives: Bool) {
        var bench = Bench(Supervisor(.oneForOne, Self.children()))
        for second in crashes { bench.crash("a", at: .seconds(second)) }
        #expect((bench.table.process(named: "root") != nil) == survives)
        #expect(bench.living() == (survives ? bench.living() : [nil, nil, nil]))
        #expect((bench.table.process(named: "c") != nil) == survives)
    }

    @Test func whoDoesNotEndInTimeIsKilled() {
        let children = Self.children(shutdown: .within(.seconds(2)), obeys: false)
        var bench = Bench(Supervisor(.restForOne, children))
        let before = bench.living()
        bench.crash("b")
        #expect(bench.trace == ["c asked"])
        bench.run(at: .milliseconds(1999))
        #expect(bench.living() == [before[0], nil, before[2]])
        bench.run(at: .seconds(2))
        #expect(bench.trace == ["c asked", "b started", "c started"])
    }

    @Test func brutalKillAsksNobody() {
        let children = Self.children(shutdown: .brutalKill, obeys: false)
        var bench = Bench(Supervisor(.oneForAll, children))
        bench.crash("b")
        #expect(bench.trace == ["a started", "b started", "c started"])
    }

    /// A supervisor that gives up is a child that ended, and begins anew with all of its own.
    @Test func itsOwnSupervisorStartsItAgain() {
        let inner = Supervisor.Child("inner") {
            Supervisor(.oneForOne, intensity: .init(restarts: 0), Self.children())
        }
        var bench = Bench(Supervisor(.oneForOne, [inner]))
        let before = bench.living(["root", "inner"])
        bench.crash("a")
        #expect(
            bench.trace == ["c asked", "b asked", "a started", "b started", "c started"])
        let after = bench.living(["root", "inner"])
        #expect(after[0] == before[0] && after[1] != nil && after[1] != before[1])
    }

    @Test func nothingOutlivesASupervisor() {
        let inner = Supervisor.Child("inner") { Supervisor(.oneForOne, Self.children()) }
        var bench = Bench(Supervisor(.oneForOne, intensity: .init(restarts: 0), [inner]))
        bench.crash("inner")
        #expect(bench.living(["root", "inner", "a", "b", "c"]) == [nil, nil, nil, nil, nil])
    }
}
