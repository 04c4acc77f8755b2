import ChaosCore
import NIOSSL

/// What a proxy needs to speak TLS, read and checked.
package struct ProxyTLS: Sendable {
    /// Ends the TLS of clients.
    let listening: NIOSSLContext?
    /// Begins TLS with the target.
    let dialling: NIOSSLContext?
    /// The name that the target is asked for, whatever the client asked for.
    let serverName: String?

    /// Reads the files.
    ///
    /// - Throws: `InputError` for the first file that cannot be read, or does not fit the others.
    package init(_ settings: TLSSettings) throws(InputError) {
        var listening: NIOSSLContext?
        if let own = settings.listening {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try Self.certificates(own.certificate, "certificate")
                    .map { .certificate($0) },
                privateKey: .privateKey(try Self.key(own.key)))
            if let file = own.clientCA {
                configuration.certificateVerification = .noHostnameVerification
                configuration.trustRoots = .certificates(
                    try Self.certificates(file, "client_ca"))
            }
            listening = try Self.context(configuration, own.certificate, own.key)
        }
        self.listening = listening
        var dialling: NIOSSLContext?
        if let own = settings.dialling {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if !own.isVerified { configuration.certificateVerification = .none }
            if let file = own.ca {
                configuration.trustRoots = .certificates(try Self.certificates(file, "ca"))
            }
            if let certificate = own.certificate {
                configuration.certificateChain = try Self.certificates(certificate, "certificate")
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try Self.key(own.key ?? certificate))
            }
            dialling = try Self.context(
                configuration, own.certificate ?? "", own.key ?? own.certificate ?? "")
        }
        self.dialling = dialling
        self.serverName = settings.dialling?.serverName
    }

    private static func certificates(
        _ path: String, _ what: String
    ) throws(InputError) -> [NIOSSLCertificate] {
        let found: [NIOSSLCertificate]
        do { found = try NIOSSLCertificate.fromPEMFile(path) } catch {
            throw InputError("tls \(what) must be a file of certificates in PEM", found: path)
        }
        if found.isEmpty {
            throw InputError("tls \(what) must be a file of certificates in PEM", found: path)
        }
        return found
    }

    private static func key(_ path: String) throws(InputError) -> NIOSSLPrivateKey {
        do { return try NIOSSLPrivateKey(file: path, format: .pem) } catch {
            throw InputError("tls key must be a file of a private key in PEM", found: path)
        }
    }

    private static func context(
        _ configuration: TLSConfiguration, _ certificate: String, _ key: String
    ) throws(InputError) -> NIOSSLContext {
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw InputError("tls key must belong to the certificate '\(certificate)'", found: key)
        }
    }

    /// The name that a target is asked for.
    ///
    /// - Parameters:
    ///   - asked: The name that the client asked for, if it told one.
    ///   - upstream: Where the target is.
    func serverName(asked: String?, upstream: Endpoint) -> String? {
        if let name = self.serverName ?? asked { return name }
        if case .tcp(let host, _) = upstream { return host }
        return nil
    }
}
