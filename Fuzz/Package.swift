// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because every module in it is compiled for libFuzzer: what runs is recorded, so
// that inputs that reach new code are kept and changed further. The modules are those of chaos,
// through links; of ChaosCluster only the folder that reads what people write.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHPACK = Target.Dependency.product(name: "NIOHPACK", package: "swift-nio-http2")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "chaos-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "ChaosCore", swiftSettings: strict),
        .target(
            name: "ChaosScenario", dependencies: ["ChaosCore", collections, yams],
            resources: [.embedInCode("Profiles")], swiftSettings: strict),
        .target(
            name: "ChaosEngine",
            dependencies: ["ChaosCore", "ChaosScenario", collections, nioCore, nioHPACK],
            swiftSettings: strict),
        .target(
            name: "ChaosCheckers", dependencies: ["ChaosCore", collections], swiftSettings: strict),
        .target(
            name: "ChaosControl",
            dependencies: ["ChaosCore", "ChaosScenario", nioCore, nioPosix], swiftSettings: strict),
        .target(
            name: "ChaosTopology", dependencies: ["ChaosCore", "ChaosScenario"],
            swiftSettings: strict),
        .target(name: "CLinux"),
        .target(
            name: "ChaosCluster",
            dependencies: ["CLinux", "ChaosCore", "ChaosScenario", "ChaosTopology", collections],
            swiftSettings: strict),
        .target(
            name: "NodeKit", dependencies: ["ChaosCore", nioCore, nioPosix], swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "ChaosCore", "ChaosScenario", "ChaosEngine", "ChaosCheckers", "ChaosControl",
                "ChaosCluster", "ChaosTopology", "NodeKit",
            ],
            swiftSettings: strict),
        .target(name: "CLibFuzzer"),
        .executableTarget(
            name: "chaos-fuzz", dependencies: ["CLibFuzzer", "FuzzTargets"], swiftSettings: strict),
    ]
)
