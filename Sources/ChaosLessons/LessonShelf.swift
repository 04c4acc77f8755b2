import ChaosCore
import ChaosRun
import ChaosScenario
import Foundation

/// All lessons of a folder: the scenarios `SYSTEM/NAME.yaml` that have a `lesson`.
package struct LessonShelf: Sendable {
    /// The lessons, by system and name.
    package let lessons: [Lesson]

    /// Makes a shelf of lessons.
    package init(_ lessons: [Lesson]) {
        self.lessons = lessons.sorted { ($0.system, $0.name) < ($1.system, $1.name) }
    }

    /// Reads a folder.
    ///
    /// - Throws: `Mistakes` with everything that is wrong in the files, `InputError` where there is no
    ///   such folder or it holds no lesson.
    package init(folder: String) throws {
        var lessons: [Lesson] = []
        var mistakes: [Mistake] = []
        for system in try Self.names(in: folder) {
            // What is no folder has no names in it.
            for file in (try? Self.names(in: "\(folder)/\(system)")) ?? []
            where file.hasSuffix(".yaml") {
                let path = "\(folder)/\(system)/\(file)"
                // What is no lesson need not even be right.
                guard Self.isLesson(path) else { continue }
                do {
                    let scenario = try ScenarioFile.read(path)
                    let name = String(file.dropLast(5))
                    Lesson(system: system, name: name, file: path, scenario: scenario)
                        .map { lessons.append($0) }
                } catch let error as Mistakes {
                    mistakes += error.list
                }
            }
        }
        if !mistakes.isEmpty { throw Mistakes(list: mistakes) }
        if lessons.isEmpty {
            throw InputError("the folder has no lesson in it", found: folder)
        }
        self.init(lessons)
    }

    private static func isLesson(_ path: String) -> Bool {
        let text = String(
            decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").contains { $0.hasPrefix("lesson:") }
    }

    private static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch { throw InputError("the folder of lessons cannot be read", found: folder) }
    }

    /// The lesson of that name, or all of a system.
    ///
    /// - Throws: `InputError` with the nearest name.
    package func lessons(named name: String) throws(InputError) -> [Lesson] {
        let found = self.lessons.filter { $0.title == name || $0.system == name }
        if !found.isEmpty { return found }
        let known = self.lessons.map(\.title) + Set(self.lessons.map(\.system)).sorted()
        throw InputError(
            "there is no such lesson", found: name,
            hint: Suggestion.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
                ?? "'chaos lessons' lists them")
    }

    /// The lessons that show each concept, in the order of a course; concepts without one are left out.
    package var byConcept: [(concept: Concept, lessons: [Lesson])] {
        Concept.allCases.map { concept in
            (concept, self.lessons.filter { $0.spec.concepts.contains(concept) })
        }.filter { !$0.lessons.isEmpty }
    }
}
