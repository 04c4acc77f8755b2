import ChaosCore
import ChaosProxy
import ChaosSockets
import Dispatch
import Synchronization

/// Recognises the nodes of a run by their processes.
///
/// One thread of its own answers: while it looks, questions gather, and the next look answers all of
/// them. So the more connections come, the less each one costs.
package final class NodeRecognition: OpenerRecognition {
    private let desk: RecognitionDesk

    /// Begins to answer.
    ///
    /// - Parameters:
    ///   - host: Who starts the nodes; the families are the nodes' names.
    ///   - nodes: The nodes of the run.
    /// - Throws: `SocketDiagnosticsError` where sockets cannot be told apart.
    package init(host: ProcessHost, nodes: [NodeName]) throws(SocketDiagnosticsError) {
        if let obstacle = SocketDiagnostics.obstacle() { throw obstacle }
        let desk = RecognitionDesk(try RecognitionPass(host: host, nodes: nodes))
        self.desk = desk
        BlockingThread.start { desk.work() }
    }

    deinit { self.stop() }

    package func recognise(
        _ socket: OpeningSocket, answer: @escaping @Sendable (Opener) -> Void
    ) {
        self.desk.ask(RecognitionDesk.Question(socket: socket, answer: answer))
    }

    /// Ends the thread once everything that was asked is answered. Whoever asks later learns nothing.
    package func stop() { self.desk.close() }
}

/// Where questions wait for the thread that answers them.
private final class RecognitionDesk: Sendable {
    struct Question {
        let socket: OpeningSocket
        let answer: @Sendable (Opener) -> Void
    }

    private struct State {
        var questions: [Question] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    /// Used by the working thread only; the lock is never waited for.
    private let pass: Mutex<RecognitionPass>

    init(_ pass: sending RecognitionPass) { self.pass = Mutex(pass) }

    func ask(_ question: Question) {
        let isClosed = self.state.withLock { state in
            if !state.isClosed { state.questions.append(question) }
            return state.isClosed
        }
        if isClosed {
            question.answer(.unknown("the run has ended"))
        } else {
            self.wakeUp.signal()
        }
    }

    func close() {
        self.state.withLock { $0.isClosed = true }
        self.wakeUp.signal()
    }

    /// Answers questions until the desk is closed.
    func work() {
        while true {
            self.wakeUp.wait()
            let (questions, isClosed) = self.state.withLock { state in
                defer { state.questions = [] }
                return (state.questions, state.isClosed)
            }
            if !questions.isEmpty {
                let openers = self.pass.withLock { $0.openers(of: questions.map(\.socket)) }
                for (question, opener) in zip(questions, openers) { question.answer(opener) }
            }
            if isClosed { return }
        }
    }
}
