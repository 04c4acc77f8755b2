import ChaosCore
import Foundation
import Yams

/// Reads a list of proxies: Toxiproxy's JSON, or the same in YAML.
package enum ConfigFile {
    /// The file as a body for `/populate`.
    ///
    /// - Throws: `InputError` for YAML that is none; a file that cannot be read throws what the system
    ///   says.
    package static func read(_ path: String) throws -> [UInt8] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        let text = String(decoding: data, as: UTF8.self)
        let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
        if !isYAML { return Array(data) }
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw InputError("the file must be YAML: \(error)", found: path)
        }
        return Array((node.map(Self.json) ?? .null).text.utf8)
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(
                JSONObject(mapping.map { ($0.key.string ?? "", Self.json($0.value)) }))
        case .sequence(let sequence): return .array(sequence.map(Self.json))
        case .scalar(let scalar):
            if scalar.style != .plain { return .string(scalar.string) }
            switch node.tag.rawValue {
            case "tag:yaml.org,2002:null": return .null
            case "tag:yaml.org,2002:bool": return .bool(node.bool ?? false)
            case "tag:yaml.org,2002:int": return .int(node.int.map(Int64.init) ?? 0)
            case "tag:yaml.org,2002:float": return .double(node.float ?? 0)
            default: return .string(scalar.string)
            }
        default: return .null
        }
    }
}
