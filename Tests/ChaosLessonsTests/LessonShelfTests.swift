import ChaosCore
import ChaosLessons
import ChaosScenario
import Foundation
import Testing

/// The lessons of this repository, as files.
@Suite struct LessonShelfTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private let shelf: LessonShelf

    init() throws {
        self.shelf = try LessonShelf(folder: Self.repository.appending(path: "examples").path)
    }

    /// A reader must be able to tell what he sees, and every lesson must be found by an idea.
    @Test func everyLessonExplainsItself() {
        for lesson in self.shelf.lessons {
            #expect(!lesson.scenario.summary.isEmpty, "\(lesson.title) has no 'summary'")
            #expect(!lesson.spec.concepts.isEmpty, "\(lesson.title) shows no concept")
            #expect(lesson.scenario.name == "\(lesson.system)-\(lesson.name)")
            if lesson.spec.repairedBy != nil {
                #expect(lesson.spec.breaks != nil, "\(lesson.title) does not say what breaks")
                #expect(lesson.spec.repair != nil, "\(lesson.title) does not say what repairs it")
                #expect(
                    lesson.scenario.expectation?.anomaly != nil, "\(lesson.title) names no anomaly")
            }
        }
    }

    /// Each system has a page, a variant that breaks, and one that was tried over twenty seeds.
    @Test func everySystemIsWhole() {
        for system in Set(self.shelf.lessons.map(\.system)) {
            let lessons = self.shelf.lessons.filter { $0.system == system }
            #expect(lessons.contains { $0.spec.repairedBy != nil }, "\(system): nothing breaks")
            #expect(lessons.contains { $0.spec.seeds == 20 }, "\(system): nothing over 20 seeds")
            let page = "examples/\(system)/README.md"
            let path = Self.repository.appending(path: page).path
            #expect(FileManager.default.fileExists(atPath: path), "there is no \(page)")
        }
    }

    @Test func aNameThatIsAlmostOneIsSuggested() {
        #expect(throws: InputError.self) { try self.shelf.lessons(named: "unique-ids/volatil") }
        do throws(InputError) {
            _ = try self.shelf.lessons(named: "unique-ids/volatil")
        } catch { #expect(error.hint == "did you mean 'unique-ids/volatile'?") }
    }

    @Test func aSystemsNameIsAllItsLessons() throws {
        let lessons = try self.shelf.lessons(named: "unique-ids")
        #expect(lessons.count > 1 && lessons.allSatisfy { $0.system == "unique-ids" })
    }
}
