import ChaosCore

/// Reads what a scenario teaches.
struct LessonReader {
    let mistakes: MistakeList

    private enum Answer: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    func lesson(_ node: YAMLNode) -> LessonSpec? {
        guard let mapping = MappingReader(node, "'lesson'", self.mistakes) else { return nil }
        if !mapping.has("variant") { mapping.add(InputError("a lesson needs a 'variant'")) }
        let variant = mapping.text("variant")
        let seeds = mapping.read("seeds") { text throws(InputError) in
            try WholeNumber.parse(text, as: "'seeds'", in: 1...10_000)
        }
        let concepts = (mapping.list("concepts") ?? []).compactMap { text, position in
            self.mistakes.catching(at: position) { () throws(InputError) in
                try Word.parse(text, as: "a concept") as Concept
            }
        }
        var lesson = LessonSpec(
            variant: variant ?? "", repairedBy: mapping.text("repaired_by"), seeds: seeds,
            concepts: concepts)
        lesson.breaksInPeace =
            mapping.read("breaks_in_peace") { text throws(InputError) in
                try Word.parse(text, as: "'breaks_in_peace'") as Answer
            } == .yes
        lesson.breaks = mapping.text("breaks")
        lesson.repair = mapping.text("repair")
        if lesson.repairedBy != nil, lesson.seeds != nil {
            mapping.add(
                InputError(
                    "a lesson has either 'repaired_by' or 'seeds'",
                    hint: "a variant that survives has a file of its own, with 'seeds'"))
        }
        mapping.finish(synonyms: ["repairedBy": "repaired_by", "concept": "concepts"])
        return variant == nil ? nil : lesson
    }
}
