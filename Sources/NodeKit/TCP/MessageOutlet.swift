/// Somebody who speaks another protocol than the node's messages: what the node sends to the name under which it knows
/// them is translated there. Lives on the node's event loop.
protocol MessageOutlet: AnyObject {
    /// Takes a message of the node's; what the node's log must have first, it has.
    func send(_ message: Message)

    /// Ends the connection for good.
    func stop()
}
