import ChaosCore

extension Fault {
    /// The parameters in their long form.
    var parametersYAML: YAMLText {
        var members: [(key: String, value: YAMLText)] = []
        func add(_ key: String, _ text: String?) {
            if let text { members.append((key, .scalar(text))) }
        }
        func add(_ occurrence: Occurrence) {
            switch occurrence {
            case .nth(let number): add("nth", String(number))
            case .random(let percent, let correlation):
                add("percent", percent.text)
                add("correlation", correlation > .zero ? correlation.text : nil)
            }
        }
        switch self {
        case .delay(let delay):
            add("latency", delay.latency.text)
            add("jitter", delay.jitter > .zero ? delay.jitter.text : nil)
            let isUniform = delay.distribution == .uniform
            add("distribution", isUniform ? nil : delay.distribution.rawValue)
            add("correlation", delay.correlation > .zero ? delay.correlation.text : nil)
            add("order", delay.order == .kept ? nil : delay.order.rawValue)
            if !delay.table.isEmpty {
                members.append(("table", .list(delay.table.map { .scalar(String($0)) })))
            }
        case .loss(let loss):
            switch loss.model {
            case .plain(let occurrence): add(occurrence)
            case .gilbertElliott(let model):
                members.append(
                    (
                        "gemodel",
                        .flow([
                            ("p", .scalar(model.p.text)), ("r", .scalar(model.r.text)),
                            ("1-h", .scalar(model.lossInBad.text)),
                            ("1-k", .scalar(model.lossInGood.text)),
                        ])
                    ))
            }
        case .duplicate(let fault), .ackLoss(let fault): add(fault.occurrence)
        case .reorder(let reorder):
            add(reorder.occurrence)
            add("gap", reorder.gap.map(String.init) ?? "none")
            add("hold", reorder.hold.text)
        case .corrupt(let corrupt):
            add(corrupt.occurrence)
            add("bits", String(corrupt.bits))
        case .rate(let rate):
            add("rate", rate.bandwidth.text)
            add("burst", rate.burst.text)
            add("limit", rate.limit?.text)
            add("scope", rate.scope.rawValue)
        case .slicer(let slicer):
            add("size", slicer.averageSize.text)
            add("variation", slicer.sizeVariation.text)
            add("delay", slicer.delay.text)
        case .limitData(let bytes): return .scalar(bytes.text)
        case .slowClose(let time), .resetPeer(let time), .timeout(let time), .acceptDelay(let time),
            .coalesce(let time):
            return .scalar(time.text)
        case .refuse: return .scalar("true")
        }
        if let match = self.match { members.append(("match", match.yaml)) }
        return .flow(members)
    }
}

extension MessageMatch {
    /// The match as a mapping.
    var yaml: YAMLText {
        var members: [(key: String, value: YAMLText)] = []
        if let type = self.type { members.append(("type", .scalar(type))) }
        if let direction = self.direction {
            members.append(("direction", .scalar(direction.rawValue)))
        }
        for (key, number) in [("nth", self.nth), ("first", self.first), ("after", self.after)] {
            if let number { members.append((key, .scalar(String(number)))) }
        }
        if !self.fields.isEmpty {
            let fields = self.fields.map { (key: $0.path, value: YAMLText.scalar($0.value)) }
            members.append(("fields", .flow(fields)))
        }
        return .flow(members)
    }
}
