/// How a process ended.
package enum ProcessExit: Hashable, Sendable {
    /// It returned this code, 0 to 255.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)
    /// It is gone, but nobody could ask how it ended: another process reaped it.
    case unknown

    /// Reads what waitpid(2) stored. The layout is the same on Linux and macOS.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signalled(signal)
    }

    /// Whether it ended the way a program does that has nothing to complain about.
    package var isSuccess: Bool { self == .exited(0) }

    /// The code a shell would give for it: the exit code, or 128 and the signal's number.
    package var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        case .unknown: 255
        }
    }
}

extension ProcessExit: CustomStringConvertible {
    /// `exited with 1`, `ended by SIGKILL`.
    package var description: String {
        switch self {
        case .exited(let code): "exited with \(code)"
        case .signalled(let signal): "ended by \(Signal(rawValue: signal))"
        case .unknown: "ended in a way unknown"
        }
    }
}
