/// The profiles that ship with chaos, embedded from `Profiles/`.
///
/// A file is called like its profile; the build cannot embed names that begin with a digit, so that
/// `2g` is in `mobile-2g.yaml`.
package enum BuiltInProfiles {
    /// A profile that ships with chaos.
    package struct Entry: Sendable {
        /// The name by which scenarios use it.
        package let name: String
        /// One line about it.
        package let summary: String
        /// The file's text.
        package let text: String

        init(_ bytes: [UInt8]) {
            let text = String(decoding: bytes, as: UTF8.self)
            func value(of key: String) -> String {
                let line = text.split(separator: "\n").first { $0.hasPrefix(key + ": ") }
                return line.map { String($0.dropFirst(key.count + 2)) } ?? ""
            }
            self.name = value(of: "name")
            self.summary = value(of: "summary")
            self.text = text
        }
    }

    /// All of them: good networks, bad ones, those of Network Link Conditioner, then those that
    /// change with time.
    package static let all: [Entry] = [
        PackageResources.lan_yaml, PackageResources.wifi_yaml, PackageResources.cable_yaml,
        PackageResources.dsl_yaml, PackageResources.lte_yaml, PackageResources.mobile_4g_yaml,
        PackageResources.mobile_3g_yaml, PackageResources.edge_yaml,
        PackageResources.mobile_2g_yaml, PackageResources.starlink_yaml,
        PackageResources.satellite_yaml, PackageResources.satellite_geo_yaml,
        PackageResources.wan_eu_us_yaml,
        PackageResources.wifi_bad_yaml, PackageResources.edge_lossy_yaml,
        PackageResources.slow_yaml, PackageResources.flaky_yaml, PackageResources.flaky_wan_yaml,
        PackageResources.lossy_messages_yaml, PackageResources.very_bad_network_yaml,
        PackageResources.no_connectivity_yaml,
        PackageResources.nlc_wifi_ac_yaml, PackageResources.nlc_wifi_yaml,
        PackageResources.nlc_lte_yaml, PackageResources.nlc_dsl_yaml,
        PackageResources.nlc_3g_yaml, PackageResources.nlc_edge_yaml,
        PackageResources.nlc_very_bad_network_yaml, PackageResources.nlc_100_loss_yaml,
        PackageResources.slow_node_yaml, PackageResources.flapping_yaml,
        PackageResources.split_brain_yaml,
    ].map(Entry.init)
}
