/// Carries packets of a proxy's network beside it. Everything is called on the thread that owns the network.
package protocol NetworkCompanion: Sendable {
    /// Takes into the books what has happened up to now: somebody is about to look, or to change
    /// something.
    func catchUp()

    /// Obeys the network as it is now; in effect when it returns.
    ///
    /// - Throws: When that is not possible; the change is not confirmed then.
    func networkChanged() throws
}
