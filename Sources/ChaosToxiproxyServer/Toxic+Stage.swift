import ChaosCore
import ChaosEngine
import ChaosToxiproxy

// What toxics are to the engine: stages of a chain, in the order in which they were made.

extension Toxic {
    /// The stages of these toxics on one direction.
    static func stages(
        of toxics: [Toxic], _ stream: ToxicStream, on network: ProxyNetwork
    ) -> [Stage] {
        toxics.compactMap { toxic in
            if network.isForAll(toxic.type) { return nil }
            if toxic.type == .http {
                // Requests go upstream and answers come back, whatever stream was named.
                return stream == .upstream
                    ? toxic.stage : toxic.stage(toxic.stage.share > 0 ? .httpReplies : .pass)
            }
            return toxic.stream == stream ? toxic.stage : nil
        }
    }

    private var stage: Stage { self.stage(self.action, share: Double(self.toxicity)) }

    private func stage(_ action: Stage.Action, share: Double = 1) -> Stage {
        Stage(
            identity: self.identity, revision: self.revision,
            label: "\(self.generation) \(self.name)", share: share, action: action)
    }

    private var action: Stage.Action {
        let attributes = self.attributes
        func integer(_ name: String) -> Int64 { attributes.integer(name) }
        switch self.type {
        case .noop, .down, .refuse, .acceptDelay: return .pass
        case .latency:
            return .delay(milliseconds: integer("latency"), jitter: max(0, integer("jitter")))
        case .bandwidth:
            return .rate(
                kilobytes: integer("rate"), isShared: attributes.word("scope") == "proxy")
        case .slowClose: return .delayEnd(milliseconds: integer("delay"))
        case .timeout: return .swallow(closeAfterMilliseconds: integer("timeout"))
        case .resetPeer: return .reset(afterMilliseconds: integer("timeout"))
        case .slicer:
            return .slice(
                average: Int(integer("average_size")), variation: Int(integer("size_variation")),
                pauseMicroseconds: integer("delay"))
        case .limitData: return .limit(bytes: integer("bytes"))
        case .packetLoss:
            return .drop(
                probability: min(1, max(0, attributes.real("loss_rate"))),
                correlation: min(1, max(0, attributes.real("correlation"))))
        case .http: return .http(attributes.httpFault)
        case .delay, .loss, .corrupt, .drop, .duplicate, .reorder:
            let framing = attributes.word("framing").flatMap { Framing(rawValue: $0) }
            return .fault(attributes.fault, framing: framing ?? .none)
        }
    }
}

extension ToxicAttributes {
    /// The fault of a stream, or of messages.
    var fault: Fault {
        switch self.type {
        case .delay:
            return .delay(
                Fault.Delay(
                    latency: self.time("latency"), jitter: self.time("jitter"),
                    distribution: self.word("distribution").flatMap {
                        Fault.DistributionName(rawValue: $0)
                    } ?? .uniform, correlation: self.share("correlation")))
        case .corrupt:
            return .corrupt(
                Fault.Corrupt(
                    .random(self.share("probability"), correlation: .zero),
                    bits: max(1, Int(self.integer("bits")))))
        case .duplicate: return .duplicate(Fault.MessageFault(self.occurrence, match: self.match))
        case .reorder:
            // By default as many as one later message overtake it, and it waits 100 ms at most.
            let hold = self.has("hold") ? self.time("hold") : .milliseconds(100)
            let gap = self.has("gap") ? Int(self.integer("gap")) : 1
            return .reorder(
                Fault.Reorder(
                    self.occurrence, gap: gap > 0 ? gap : nil, hold: hold, match: self.match))
        default: return .loss(Fault.Loss(.plain(self.occurrence), match: self.match))
        }
    }

    private var occurrence: Fault.Occurrence {
        .random(self.share("probability"), correlation: self.share("correlation"))
    }

    /// The messages that are meant, if not all.
    private var match: MessageMatch? {
        let type = self.word("type")
        let first = self.has("first") ? Int(self.integer("first")) : nil
        return type == nil && first == nil ? nil : MessageMatch(type: type, first: first)
    }

    private func time(_ name: String) -> Duration { .milliseconds(self.integer(name)) }

    private func share(_ name: String) -> Ratio {
        Ratio(billionths: Int64((self.real(name) * 1e9).rounded()))
    }

    fileprivate var httpFault: HTTPFault {
        var fault = HTTPFault()
        fault.method = self.word("method")
        fault.path = self.word("path")
        fault.header = self.word("header").map { text in
            let parts = text.split(separator: ":", maxSplits: 1)
            return HTTPFault.Field(
                String(parts.first ?? ""),
                parts.count > 1 ? String(parts[1].drop { $0 == " " || $0 == "\t" }) : nil)
        }
        fault.first = self.has("first") ? Int(self.integer("first")) : nil
        if self.has("probability") { fault.probability = self.real("probability") }
        fault.delay = self.integer("delay")
        let status = Int(self.integer("status"))
        fault.status = status == 0 ? nil : status
        fault.body = self.word("body") ?? ""
        fault.truncate = self.has("truncate") ? Int(self.integer("truncate")) : nil
        return fault
    }
}
