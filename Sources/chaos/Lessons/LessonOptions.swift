import ArgumentParser
import ChaosCore
import ChaosLessons
import Foundation

/// Where the lessons are, for the commands that need them.
struct LessonOptions: ParsableArguments {
    @Option(
        help: """
            The folder of the lessons; without it 'examples' here, or that of the checkout that this \
            program was built in.
            """)
    var examples: String?

    /// Reads all lessons.
    func shelf() throws -> LessonShelf { try LessonShelf(folder: try self.folder()) }

    private func folder() throws(InputError) -> String {
        if let examples = self.examples { return examples }
        var folders = ["."]
        // .build/debug/chaos, however deep.
        var folder = (ownProgram as NSString).deletingLastPathComponent
        while folder != "/", !folder.isEmpty {
            folders.append(folder)
            folder = (folder as NSString).deletingLastPathComponent
        }
        for folder in folders
        where FileManager.default.fileExists(atPath: "\(folder)/examples/unique-ids") {
            return folder == "." ? "examples" : "\(folder)/examples"
        }
        throw InputError(
            "the lessons are in a folder 'examples', and there is none here",
            hint: "--examples names it")
    }
}

/// The path of this program.
let ownProgram: String = Bundle.main.executablePath ?? Swift.CommandLine.arguments[0]
