import NodeKit

// S31: a tree of supervisors, and what their children rely on.
//
//     root (rest_for_one)
//     ├─ registry                who measures, by name
//     ├─ sensors (one_for_one)
//     │  ├─ sensor1              permanent
//     │  ├─ sensor2              transient, killed at once
//     │  └─ sensor3              permanent, 200 ms to end
//     └─ desk                    serves clients: asks the registry for a sensor, and the sensor
//
//     echo{echo} -> echo_ok{echo}     by way of the desk, the registry and a sensor
//     trace      -> trace_ok{tree, events, …}     what the supervisors promise, and what became of their children
//
// The administrator can also say calibrate{sensor, value} and corrupt{sensor}.

extension ReferenceSystem {
    static let supervision = ReferenceSystem(
        name: "supervision", summary: "a tree of supervisors over a registry, sensors and a desk",
        variants: [
            Variant("rest-for-one", "whoever relies on the one that ended starts again as well") {
                SupervisedSensors.node([])
            },
            Variant("one-for-one", "a new registry knows none of those that registered before") {
                SupervisedSensors.node([.restartsAlone])
            },
            Variant("sensors-first", "sensors start before the registry in which they register") {
                SupervisedSensors.node([.startsSensorsFirst])
            },
            Variant("no-intensity", "restarts without end, and nobody above hears of it") {
                SupervisedSensors.node([.neverGivesUp])
            },
            Variant("stores-first", "stores what it was told, and then looks at it") {
                SupervisedSensors.node([.storesUnchecked])
            },
            Variant("same-state", "a sensor that starts again takes over what it crashed of") {
                SupervisedSensors.node([.keepsState])
            },
        ])
}

enum SupervisedSensors {
    /// What is wrong with a variant.
    enum Flaw: Sendable {
        /// The root restarts a child and not those that rely on it.
        case restartsAlone
        /// Sensors stand before the registry.
        case startsSensorsFirst
        /// The supervisor of the sensors does not count.
        case neverGivesUp
        /// A sensor writes a calibration down before it knows that it is one.
        case storesUnchecked
        /// A sensor writes down its state after each message, whatever it is.
        case keepsState
    }

    static let registry = "registry"
    static let desk = "desk"

    static func node(_ flaws: Set<Flaw>) -> ProcessNode {
        ProcessNode(
            requests: ["echo": Self.desk],
            administration: ["calibrate": Self.desk, "corrupt": Self.desk],
            // What is promised is what OTP does by default.
            promise: Self.tree(flaws.subtracting([.neverGivesUp])).specification(named: "root")
        ) { Self.tree(flaws) }
    }

    private static func tree(_ flaws: Set<Flaw>) -> Supervisor {
        let registry = Supervisor.Child(Self.registry) { SensorRegistry() }
        let sensors = Supervisor.Child("sensors", shutdown: .infinity) { Self.sensors(flaws) }
        let desk = Supervisor.Child(Self.desk) { SensorDesk() }
        return Supervisor(
            flaws.contains(.restartsAlone) ? .oneForOne : .restForOne,
            flaws.contains(.startsSensorsFirst)
                ? [sensors, registry, desk] : [registry, sensors, desk])
    }

    private static func sensors(_ flaws: Set<Flaw>) -> Supervisor {
        let intensity =
            flaws.contains(.neverGivesUp)
            ? Supervisor.Intensity(restarts: .max) : Supervisor.Intensity()
        return Supervisor(
            .oneForOne, intensity: intensity,
            [
                Supervisor.Child("sensor1") { Sensor(flaws: flaws) },
                Supervisor.Child("sensor2", restart: .transient, shutdown: .brutalKill) {
                    Sensor(flaws: flaws)
                },
                Supervisor.Child("sensor3", shutdown: .within(.milliseconds(200))) {
                    Sensor(flaws: flaws)
                },
            ])
    }
}
