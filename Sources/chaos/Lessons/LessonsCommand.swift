import ArgumentParser
import ChaosLessons
import ChaosReport
import ChaosScenario
import Foundation

/// `chaos lessons`: what there is to see, by concept.
struct LessonsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lessons", abstract: "Lists what the bundled systems show, by concept.",
        discussion: """
            Each lesson is a scenario under examples/: 'chaos lesson NAME' runs it and explains what is
            seen, 'chaos test examples/NAME.yaml' runs it alone.
            """)

    @OptionGroup var options: LessonOptions

    func run() async throws {
        let exitCode = await runReporting {
            let shelf = try self.options.shelf()
            var blocks = shelf.byConcept.map { concept, lessons in
                ([concept.title] + Self.lines(lessons)).joined(separator: "\n")
            }
            let others = shelf.lessons.filter { $0.spec.concepts.isEmpty }
            if !others.isEmpty {
                blocks.append((["Others"] + Self.lines(others)).joined(separator: "\n"))
            }
            printOutput(blocks.joined(separator: "\n\n"))
            return 0
        }
        throw ExitCode(exitCode)
    }

    private static func lines(_ lessons: [Lesson]) -> [String] {
        let width = lessons.map(\.title.count).max() ?? 0
        return lessons.map { lesson in
            let padding = String(repeating: " ", count: width - lesson.title.count)
            let summary = lesson.spec.breaks ?? lesson.spec.repair ?? lesson.scenario.summary
            return "  \(lesson.title)\(padding)  \(summary)"
        }
    }
}
