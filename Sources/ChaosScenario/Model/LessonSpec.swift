/// What a scenario teaches: which variant of a system breaks under it, why, and which one does not.
///
/// The scenario runs with `{variant}` in its commands; the rows of the verdict matrix follow from it.
package struct LessonSpec: Hashable, Sendable {
    /// The variant that `{variant}` stands for.
    package var variant: String
    /// The variant that survives the same faults; `nil` where this one is not to break.
    package var repairedBy: String?
    /// Over how many seeds, from 1, the scenario must keep its verdict; `nil` runs it once.
    package var seeds: Int?
    /// Whether the variant breaks now and then without faults, too, so that nothing is promised of it then.
    package var breaksInPeace = false
    /// The ideas it shows, by the names of ``Concept``.
    package var concepts: [Concept]
    /// One sentence: what goes wrong, and why.
    package var breaks: String?
    /// One sentence: what repairs it.
    package var repair: String?

    /// Makes a lesson.
    package init(
        variant: String, repairedBy: String? = nil, seeds: Int? = nil, concepts: [Concept] = [],
        breaks: String? = nil, repair: String? = nil
    ) {
        self.variant = variant
        self.repairedBy = repairedBy
        self.seeds = seeds
        self.concepts = concepts
        self.breaks = breaks
        self.repair = repair
    }
}
