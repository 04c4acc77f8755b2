import ChaosScenario

extension FaultReader {
    /// The text of faults as scenarios and commands have it.
    package static let standard = FaultReader(parse: FaultText.parse, text: { $0.text })
}
