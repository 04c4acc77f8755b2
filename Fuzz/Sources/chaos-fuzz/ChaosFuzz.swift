import CLibFuzzer
import Foundation
import FuzzTargets

/// Fuzzes one parser: `chaos-fuzz TARGET [OPTION or FILE of libFuzzer…]`. With `--seeds FOLDER` it writes
/// the inputs to start from, and ends.
@main
enum ChaosFuzz {
    static func main() {
        var words = CommandLine.arguments
        let name = words.count > 1 ? words.remove(at: 1) : ""
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            let known = FuzzTarget.all.map { "  \($0.name): \($0.summary)\n" }.joined()
            Self.say("a target is one of\n\(known)found '\(name)'\n")
            exit(64)
        }
        if words.count == 3, words[1] == "--seeds" { Self.writeSeeds(of: target, to: words[2]) }
        // libFuzzer's callback carries no context, so the target is found by name again.
        setenv(Self.variable, target.name, 1)
        var count = Int32(words.count)
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = .allocate(
            capacity: words.count + 1)
        for (index, word) in words.enumerated() { arguments?[index] = strdup(word) }
        arguments?[words.count] = nil
        exit(LLVMFuzzerRunDriver(&count, &arguments, Self.check))
    }

    private static let variable = "CHAOS_FUZZ_TARGET"

    private static let target: FuzzTarget? = {
        let name = ProcessInfo.processInfo.environment[Self.variable]
        return FuzzTarget.all.first { $0.name == name }
    }()

    private static let check: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt = {
        start, count in
        let bytes = Array(UnsafeBufferPointer(start: start, count: count))
        do { try ChaosFuzz.target?.check(bytes) } catch { fatalError("\(error)") }
        return 0
    }

    private static func writeSeeds(of target: FuzzTarget, to folder: String) -> Never {
        for (index, seed) in target.seeds.enumerated() {
            let file = "\(folder)/seed-\(index)"
            if !FileManager.default.createFile(atPath: file, contents: Data(seed)) {
                Self.say("\(file) cannot be written\n")
                exit(74)
            }
        }
        exit(0)
    }

    private static func say(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
