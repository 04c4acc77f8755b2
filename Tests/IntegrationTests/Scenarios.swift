// Scenarios of several suites, as people would write them.

/// Broadcast nodes that gossip, behind a clean network with messages.
func broadcastScenario(nodes: Int = 3, variant: String = "gossip", _ more: String = "") -> String {
    """
    name: cluster
    nodes:
      n1..n\(nodes):
        command: chaos-node broadcast --variant \(variant)
    network: { framing: { main: lines } }
    \(more)
    """
}

/// One echo node.
func echoScenario(_ more: String = "") -> String {
    """
    name: echo
    nodes:
      n1: { command: chaos-node echo }
    network: { framing: { main: lines } }
    \(more)
    """
}

/// A shell command that keeps a connection to an address and asks an echo node once.
func askOnce(_ host: String, _ port: String) -> String {
    let message = #"{"src":"c1","dest":"n1","body":{"type":"echo","echo":"hi","msg_id":1}}"#
    return """
        exec 3<>/dev/tcp/\(host)/\(port); echo '\(message)' >&3; read -t 5 line <&3; echo "got $line"
        """
}
