import CLab
import ChaosCore
import ChaosProxy
import ChaosTopology
import Foundation
import Synchronization

/// The lab of one run: namespaces for its nodes, and what carries packets between them.
///
/// Where chaos was built without the trait `Lab`, and off Linux, there is none, and ``open(_:family:services:reservedPorts:files:)``
/// says so.
package final class Lab: Sendable {
    /// Whether this build has a lab at all.
    package static var isBuilt: Bool {
        #if os(Linux) && Lab
            true
        #else
            false
        #endif
    }

    /// The nodes in order.
    package let nodes: [NodeName]
    private let door: HostDoor
    private let forwarded = Mutex<[NodeName: [PortName: Endpoint]]>([:])
    /// The file that stands in place of `/etc/hosts` for programs outside of the nodes.
    package let clientHosts: String

    #if os(Linux) && Lab
        private let network: LabNetwork
        let driver = Mutex<LabDriver?>(nil)
        /// Where captures go that have not ended.
        let captures = Mutex<[String: CaptureFile]>([:])

        private init(
            nodes: [NodeName], clientHosts: String, network: LabNetwork, door: HostDoor
        ) {
            self.nodes = nodes
            self.door = door
            self.clientHosts = clientHosts
            self.network = network
        }
    #else
        private init(nodes: [NodeName], clientHosts: String, door: HostDoor) {
            self.nodes = nodes
            self.door = door
            self.clientHosts = clientHosts
        }
    #endif

    /// Makes the namespaces of a run's nodes and the network between them.
    ///
    /// - Parameters:
    ///   - family: The addresses that names stand for.
    ///   - services: Names inside of services outside, and where those are.
    ///   - reservedPorts: Which ports no program is given that asks for any.
    ///   - usesNetem: Whether the kernel's network emulator is to have links.
    ///   - folder: An existing folder for the files that stand in place of the system's.
    /// - Throws: `LabError` when the process is not inside (``LabEntrance``), or something is missing.
    package static func open(
        _ nodes: [NodeName], family: LabAddresses.Family, services: [(NodeName, Endpoint)],
        reservedPorts: [UInt16], usesNetem: Bool = false, files folder: String
    ) async throws -> Lab {
        #if os(Linux) && Lab
            guard let entrance = LabEntrance.current else {
                throw LabError(
                    "the lab is there for the commands 'chaos run' and 'chaos test' alone, which go "
                        + "into namespaces of their own before they start")
            }
            let names = services.map { $0.0 }
            let files = [
                "hosts": HostsFile.forNodes(nodes, family, services: names),
                "hosts-client": HostsFile.forClients(nodes, services: names),
            ]
            for (name, text) in files {
                try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
            }
            let network = try await LabNetwork.make(
                nodes, services: services.count, reservedPorts: reservedPorts,
                sendsWholePackets: usesNetem)
            let lab = Lab(
                nodes: nodes, clientHosts: "\(folder)/hosts-client", network: network,
                door: HostDoor(entrance))
            do {
                let code = chaos_file_cover("\(folder)/hosts", "/etc/hosts")
                if code != 0 {
                    throw LabError(
                        "/etc/hosts cannot be covered: \(String(cString: strerror(code)))")
                }
                for (offset, service) in services.enumerated() {
                    guard case .tcp(_, let port) = service.1 else { continue }
                    let place = LabAddresses.service(offset + 1)
                    try await lab.door.expose(at: .tcp(host: place, port: port), service.1)
                }
                return lab
            } catch {
                await lab.close()
                throw error
            }
        #else
            throw LabError("this chaos was built without the lab\nhint: 'chaos doctor' tells why")
        #endif
    }

    /// Carries packets between nodes from now on as the proxy's network says.
    package func connect(
        to proxy: Proxy, ports: LabPorts, usesNetem: Bool = false
    ) async throws {
        #if os(Linux) && Lab
            let driver = try await LabDriver(
                self.network, ports: ports, usesNetem: usesNetem, with: proxy)
            self.driver.withLock { $0 = driver }
        #endif
    }

    /// Makes a port of a node reachable outside of the lab, by clients' view of it.
    package func forward(_ node: NodeName, _ port: PortName, to view: Endpoint) async throws {
        let place = try await self.door.forward(to: view)
        self.forwarded.withLock { $0[node, default: [:]][port] = place }
    }

    /// Where a port of a node is outside of the lab.
    package func outside(_ node: NodeName, _ port: PortName) -> Endpoint? {
        self.forwarded.withLock { $0[node]?[port] }
    }

    /// A node's network namespace, as a descriptor of this process.
    package func namespace(of node: NodeName) -> Int32? {
        #if os(Linux) && Lab
            self.network.namespace(of: node)
        #else
            nil
        #endif
    }

    /// Takes everything away. What runs in the namespaces must have ended.
    package func close() async {
        #if os(Linux) && Lab
            let driver = self.driver.withLock { driver in
                defer { driver = nil }
                return driver
            }
            await driver?.close()
            await self.door.close()
            _ = chaos_file_uncover("/etc/hosts")
            await self.network.close()
        #endif
    }
}
