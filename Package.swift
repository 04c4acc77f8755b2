// swift-tools-version: 6.2
import PackageDescription

// Every target: Swift 6 mode, strict concurrency, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
// Targets that never block, read a clock, draw unseeded randomness, or touch a file or socket.
let pure: [SwiftSetting] = strict + [.strictMemorySafety()]

// Each package enters through as few targets as possible; each product is named once, here.
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let nioConcurrencyHelpers = Target.Dependency.product(
    name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(
    name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let tests: [Target] = [
    ("ChaosCore", []),
    ("ChaosScenario", ["ChaosCore"]),
    ("ChaosEngine", ["ChaosCore", "ChaosScenario", "FuzzTargets"]),
    ("ChaosCheckers", ["ChaosCore"]),
    ("ChaosSockets", ["ChaosCore"]),
    (
        "ChaosCluster",
        [
            "ChaosCore", "ChaosScenario", "ChaosSockets", "ChaosProxy", "guardian-probe",
            collections,
        ]
    ),
    (
        "ChaosProxy",
        [
            "ChaosCore", "ChaosEngine", "ChaosSockets", nioConcurrencyHelpers, nioCore, nioPosix,
        ]
    ),
    ("ChaosTopology", ["ChaosCore", "ChaosScenario"]),
    ("ChaosLab", ["ChaosCore"]),
    ("ChaosToxiproxy", ["ChaosCore"]),
    (
        "ChaosToxiproxyServer",
        [
            "ChaosCore", "ChaosProxy", "ChaosSockets", "ChaosToxiproxy", "chaos", logging,
            nioConcurrencyHelpers, nioCore, nioPosix,
        ]
    ),
    ("NodeKit", ["ChaosCore", nioCore, nioPosix]),
    ("ReferenceNodes", ["ChaosCore", "ChaosCheckers", "NodeKit", "chaos-node", collections]),
    (
        "ChaosWorkloads",
        [
            "ChaosCore", "ChaosCheckers", "NodeKit", "ReferenceNodes", collections, nioCore,
            nioPosix,
        ]
    ),
    ("ChaosMaelstrom", ["ChaosCluster", "ChaosCore", "NodeKit", nioCore, nioPosix]),
    ("ChaosControl", ["ChaosCore", "ChaosScenario", "ChaosReport", "chaos", argumentParser]),
    ("ChaosReport", ["ChaosCore", "ChaosCheckers", "ChaosControl"]),
    (
        "ChaosRun",
        [
            "ChaosCore", "ChaosScenario", "ChaosEngine", "ChaosCheckers", "ChaosProxy",
            "ChaosCluster", "ChaosControl", "ChaosReport", "ChaosWorkloads", collections,
        ]
    ),
    ("ChaosLessons", ["ChaosCore", "ChaosCheckers", "ChaosReport", "ChaosRun", "ChaosScenario"]),
    ("ChaosTesting", ["ChaosCore", "chaos-node"]),
].map { (module: String, others: [Target.Dependency]) in
    .testTarget(
        name: "\(module)Tests", dependencies: [.byName(name: module)] + others,
        swiftSettings: strict)
}

// Programs as users type them; the suites find them beside the test bundle.
let integrationTests = Target.testTarget(
    name: "IntegrationTests", dependencies: ["ChaosCore", "chaos", "chaos-node"],
    swiftSettings: strict)

let package = Package(
    name: "chaos",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "chaos", targets: ["chaos"]),
        .executable(name: "chaos-node", targets: ["chaos-node"]),
        .library(name: "NodeKit", targets: ["NodeKit"]),
        .library(name: "ChaosTesting", targets: ["ChaosTesting"]),
    ],
    traits: [
        .trait(
            name: "Netlink",
            description: "Recognise whose socket a connection is (Linux; needs libnl-3-dev)"),
        .trait(
            name: "Lab",
            description:
                "Run nodes in network namespaces of their own (Linux; needs libnl-route-3-dev)"),
        .default(enabledTraits: ["Netlink", "Lab"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Pure: words, files, decisions, verdicts.
        .target(name: "ChaosCore", swiftSettings: pure),
        .target(
            name: "ChaosScenario", dependencies: ["ChaosCore", collections, yams],
            resources: [.embedInCode("Profiles")], swiftSettings: strict),
        .target(
            name: "ChaosEngine",
            dependencies: ["ChaosCore", "ChaosScenario", collections, nioCore, nioHPACK],
            swiftSettings: pure),
        .target(
            name: "ChaosCheckers", dependencies: ["ChaosCore", collections], swiftSettings: pure),

        .target(
            name: "ChaosTopology", dependencies: ["ChaosCore", "ChaosScenario"],
            swiftSettings: pure),

        .target(name: "ChaosToxiproxy", dependencies: ["ChaosCore"], swiftSettings: pure),

        // Drivers: sockets, processes, files.
        .target(name: "CLinux"),
        .target(name: "CLab"),
        .systemLibrary(
            name: "CNetlinkRoute", pkgConfig: "libnl-route-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        .systemLibrary(
            name: "CNetlink", pkgConfig: "libnl-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        .target(
            name: "ChaosSockets",
            dependencies: [
                "ChaosCore",
                .target(
                    name: "CNetlink", condition: .when(platforms: [.linux], traits: ["Netlink"])),
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosProxy",
            dependencies: [
                "CLinux", "ChaosCore", "ChaosEngine", "ChaosSockets", collections,
                nioConcurrencyHelpers, nioCore, nioPosix, nioSSL, nioTLS,
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosToxiproxyServer",
            dependencies: [
                "ChaosCore", "ChaosEngine", "ChaosSockets", "ChaosProxy", "ChaosToxiproxy",
                hummingbird, logging, metrics, nioConcurrencyHelpers, nioCore, nioHTTP1,
                nioHTTPTypes, nioPosix, yams,
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosLab",
            dependencies: [
                "CLab", "ChaosCore", "ChaosTopology", "ChaosEngine", "ChaosProxy", nioCore,
                nioPosix,
                .target(
                    name: "CNetlinkRoute", condition: .when(platforms: [.linux], traits: ["Lab"])),
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosCluster",
            dependencies: [
                "CLinux", "ChaosCore", "ChaosScenario", "ChaosTopology", "ChaosEngine",
                "ChaosSockets", "ChaosProxy", collections,
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosMaelstrom",
            dependencies: ["ChaosCluster", "ChaosCore", "NodeKit", nioCore, nioPosix],
            swiftSettings: strict),
        .target(
            name: "ChaosWorkloads",
            dependencies: [
                "ChaosCore", "ChaosScenario", "ChaosCheckers", "NodeKit", collections, nioCore,
                nioHTTP1, nioPosix,
            ],
            swiftSettings: strict),
        .target(
            name: "ChaosControl",
            dependencies: ["ChaosCore", "ChaosScenario", nioCore, nioPosix], swiftSettings: strict),
        .target(
            name: "ChaosControlHTTP",
            dependencies: ["ChaosCore", "ChaosControl", hummingbird, logging, nioCore],
            swiftSettings: strict),
        .target(
            name: "ChaosReport", dependencies: ["ChaosCore", "ChaosCheckers", "ChaosControl"],
            swiftSettings: strict),
        .target(
            name: "ChaosRun",
            dependencies: [
                "ChaosCore", "ChaosScenario", "ChaosTopology", "ChaosEngine", "ChaosCheckers",
                "ChaosSockets", "ChaosProxy", "ChaosLab", "ChaosCluster", "ChaosMaelstrom",
                "ChaosWorkloads", "ChaosControl", "ChaosReport", "NodeKit", collections,
            ],
            swiftSettings: strict),

        .target(
            name: "ChaosLessons",
            dependencies: [
                "ChaosCheckers", "ChaosCore", "ChaosScenario", "ChaosCluster", "ChaosReport",
                "ChaosRun", collections,
            ],
            swiftSettings: strict),

        // Products: write nodes, embed chaos, run it.
        .target(
            name: "NodeKit", dependencies: ["ChaosCore", nioCore, nioHTTP1, nioPosix],
            swiftSettings: strict),
        .target(
            name: "ReferenceNodes", dependencies: ["ChaosCore", "NodeKit", collections, crypto],
            swiftSettings: strict),
        .target(
            name: "ChaosTesting",
            dependencies: [
                "ChaosCore", "ChaosScenario", "ChaosRun", "ChaosControl", "ChaosCheckers",
                "ChaosCluster", "ChaosReport",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "chaos",
            dependencies: [
                "CLinux", "ChaosCore", "ChaosScenario", "ChaosTopology", "ChaosSockets", "ChaosLab",
                "ChaosRun", "ChaosCluster", "ChaosControl", "ChaosControlHTTP",
                "ChaosReport", "ChaosCheckers", "ChaosWorkloads", "ChaosToxiproxyServer",
                "ChaosLessons", argumentParser, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "chaos-node", dependencies: ["ReferenceNodes", "NodeKit", argumentParser],
            swiftSettings: strict),

        // Runs the examples as people do, through the built command.
        .testTarget(
            name: "ExamplesTests", dependencies: ["chaos", "chaos-node"], swiftSettings: strict),

        // For tests only: every parser of what others send; the package Fuzz/ runs it under libFuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ChaosCore", "ChaosScenario", "ChaosEngine", "ChaosCheckers", "ChaosControl",
                "ChaosCluster", "ChaosTopology", "NodeKit",
            ],
            path: "Fuzz/Sources/FuzzTargets", swiftSettings: strict),
        .testTarget(
            name: "FuzzTests", dependencies: ["ChaosCore", "FuzzTargets"], swiftSettings: strict),

        // For tests only: hosts processes and is killed.
        .executableTarget(
            name: "guardian-probe", dependencies: ["ChaosCluster", collections],
            path: "Tests/Fixtures/guardian-probe", swiftSettings: strict),

        // For tests only: what links do to packets, as the programs at their ends see it.
        .executableTarget(
            name: "packet-probe", dependencies: ["ChaosCore"],
            path: "Tests/Fixtures/packet-probe", swiftSettings: strict),
    ] + tests + [integrationTests]
)
