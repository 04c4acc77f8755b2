import ChaosCore
import ChaosEngine
import Testing

@Suite struct NetworkSelectionTests {
    @Test(
        arguments: [
            "*->*", "n1->n2", "n1<->n2", "n1..n2->*", "*->n3:peer", "n?<->n3:client", "client->*",
            "*->client", "n1,n3->n2", "client<->n1",
        ])
    func faultsReachExactlyTheLinksThatThePatternSelects(_ text: String) {
        let pattern = StreamRig.pattern(text)
        let network = Network(seed: Seed(1), nodes: ["n1", "n2", "n3"])
        let nodes: [NodeName] = ["n1", "n2", "n3", "client"]
        var links: [Link] = []
        for source in nodes {
            for target in nodes where source != target {
                links.append(Link(source, target, "peer"))
                links.append(Link(source, target, "client"))
            }
        }
        for link in links.prefix(12) { _ = network.state(of: link) }
        network.inject(.refuse, on: pattern, id: "f", origin: .control, at: .start)
        for link in links {
            let isOnIt = network.state(of: link).winningInjections.count == 1
            #expect(isOnIt == pattern.matches(link), "\(link)")
        }
        network.removeInjections { $0.id == "f" }
        for link in links { #expect(network.state(of: link).winningInjections.isEmpty) }
    }
}
