import ArgumentParser
import ChaosCore
import Foundation

/// Where a proxy ends TLS, and where it begins it anew. Files are in PEM; `chaos proxy` reads them.
struct ToxicTLS: ParsableArguments {
    @Option(help: ArgumentHelp("Clients speak TLS and meet this certificate.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The key of that certificate.", valueName: "file"))
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Clients must have certificates that derive from these.", valueName: "file"))
    var tlsClientCA: String?

    @Flag(help: "Speak TLS with the upstream.")
    var upstreamTLS = false

    @Option(
        help: ArgumentHelp(
            "The upstream's certificate derives from these, not the system's.", valueName: "file"))
    var upstreamCA: String?

    @Option(
        help: ArgumentHelp(
            "The name to ask the upstream for; by default the one the client asks for.",
            valueName: "name"))
    var upstreamName: String?

    @Flag(help: "Do not verify the upstream's certificate.")
    var upstreamInsecure = false

    @Option(help: ArgumentHelp("Show the upstream this certificate.", valueName: "file"))
    var upstreamCertificate: String?

    @Option(help: ArgumentHelp("The key of that certificate.", valueName: "file"))
    var upstreamKey: String?

    /// What a request says about it, if anything.
    func value() throws -> JSONValue? {
        var listen = JSONObject()
        for (key, path) in [
            ("certificate", self.tlsCertificate), ("key", self.tlsKey),
            ("client_ca", self.tlsClientCA),
        ] { if let path { listen[key] = .string(Self.absolute(path)) } }
        var upstream = JSONObject()
        for (key, path) in [
            ("ca", self.upstreamCA), ("certificate", self.upstreamCertificate),
            ("key", self.upstreamKey),
        ] { if let path { upstream[key] = .string(Self.absolute(path)) } }
        if let name = self.upstreamName { upstream["server_name"] = .string(name) }
        if self.upstreamInsecure { upstream["verify"] = false }
        var tls = JSONObject()
        if !listen.members.isEmpty { tls["listen"] = .object(listen) }
        if self.upstreamTLS || !upstream.members.isEmpty { tls["upstream"] = .object(upstream) }
        return tls.members.isEmpty ? nil : .object(tls)
    }

    /// The server may have another working directory.
    private static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }
}
