import ChaosCore

/// Judges a set that grows by `broadcast` or `add` and is read as a whole.
///
/// The model is Jepsen's `set-full`: an element is *known* once an add of it was acknowledged or an
/// ok read showed it, and from then on it should stay visible. Two things are stricter here. Every
/// final read counts, not only the latest, since replicas that disagree in the end have lost
/// something wherever the last read happened to go; and an element that a read shows twice is an
/// error (Jepsen's own count of duplicates compares with the wrong number and stays 0).
///
/// - **lost**: known, and absent from a final read that began afterwards. Invalid.
/// - **duplicated**: more than once in one read. Invalid.
/// - **invented**: read, although no add of it could have taken effect by then. Invalid.
/// - **stale**: in every final read, but absent from some read that began after it was known.
///   Invalid only when ``isLinearizable`` asks for that.
/// - **never-read**: acknowledged, and no final read began afterwards. Unknown.
/// - **unsettled**: in some final reads and not in others, known only since the final reads
///   began. Unknown.
///
/// Jepsen marks no read as final and goes by the last one; ``lastReadIsFinal`` judges its histories so.
///
/// An add that ended as `info` and was never seen is neither required nor forbidden.
package struct SetFullChecker: Checker {
    /// Whether a stale element is an error.
    package let isLinearizable: Bool
    /// Whether the last ok read counts as final in a history that marks none.
    package let lastReadIsFinal: Bool

    package init(isLinearizable: Bool = false, lastReadIsFinal: Bool = false) {
        self.isLinearizable = isLinearizable
        self.lastReadIsFinal = lastReadIsFinal
    }

    package var name: String { "set-full" }

    package func check(_ history: History) -> Finding {
        let observations = SetObservations(
            self.lastReadIsFinal ? history.markingFinalRead : history)
        let census = SetCensus(observations)
        return SetReport(
            checker: self.name, observations: observations, census: census,
            isLinearizable: self.isLinearizable
        ).finding
    }
}

extension History {
    /// The history with its last ok read marked as final, if no read is.
    fileprivate var markingFinalRead: History {
        let reads = self.invocations.filter { $0.begin.function == "read" }
        guard !reads.contains(where: \.begin.isFinal),
            let last = reads.last(where: { $0.outcome == .ok }), let end = last.end
        else { return self }
        return History(
            self.operations.map { operation in
                var operation = operation
                if operation.index == last.begin.index || operation.index == end.index {
                    operation.isFinal = true
                }
                return operation
            })
    }
}
