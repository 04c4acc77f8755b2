/// Finds a small part of a list that still does what the whole does.
package enum DeltaDebugging {
    /// The smallest part that was found: without any one of its elements it does not do it any more, unless the
    /// budget ended before (ddmin: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE
    /// TSE 2002). With n elements it asks at least about log n and at most about n² times.
    ///
    /// - Parameters:
    ///   - elements: The whole, which does it.
    ///   - does: Whether a part does it, in the elements' order; nil ends the search with what there is.
    package static func minimum<Element, Failure: Error>(
        of elements: [Element], where does: ([Element]) async throws(Failure) -> Bool?
    ) async throws(Failure) -> [Element] {
        var elements = elements
        // Often nothing of it matters.
        switch elements.isEmpty ? false : try await does([]) {
        case true?: return []
        case nil: return elements
        case false?: break
        }
        var parts = 2
        while elements.count >= 2 {
            let size = (elements.count + parts - 1) / parts
            var isReduced = false
            var start = 0
            while start < elements.count {
                let rest = Array(
                    elements[..<start] + elements[min(start + size, elements.count)...])
                guard let isEnough = try await does(rest) else { return elements }
                if isEnough {
                    elements = rest
                    parts = max(parts - 1, 2)
                    isReduced = true
                    break
                }
                start += size
            }
            if isReduced { continue }
            if size == 1 { break }
            parts = min(parts * 2, elements.count)
        }
        return elements
    }
}
