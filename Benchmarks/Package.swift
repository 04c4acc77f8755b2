// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds chaos builds its benchmarks. It drives chaos from
// outside, as a program, and shares no code with it. It needs Linux, and HAProxy and nginx of Debian.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "chaos-benchmarks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(name: "CBenchLinux"),
        .executableTarget(
            name: "chaos-bench", dependencies: ["CBenchLinux", argumentParser],
            swiftSettings: strict),
        .testTarget(
            name: "ChaosBenchTests", dependencies: ["chaos-bench"], swiftSettings: strict),
    ]
)
