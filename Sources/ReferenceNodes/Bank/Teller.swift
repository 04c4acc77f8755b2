import ChaosCore
import NodeKit

/// Speaks HTTP with clients, and asks whoever has the account, on whatever node.
///
/// What it asks has a key, the client's or one of its own, so that it may ask again where no answer comes: done once is done once.
struct Teller: Behaviour {
    /// How long a client is kept waiting.
    private static let patience = Duration.milliseconds(1500)
    /// After how long somebody who does not answer is asked again. The first answer counts, to whichever question.
    private static let repetition = Duration.milliseconds(300)
    /// How long somebody who has just ended is given to start again.
    private static let breath = Duration.milliseconds(50)
    private static let timer = "errands"

    /// One question to a process.
    private struct Question {
        let address: ProcessAddress
        let body: JSONObject
        /// Whether there is no account where there is no such process.
        var isToAccount = true
    }

    /// A request that is not answered.
    private struct Errand {
        let request: HTTPRequest
        let demand: BankRequest
        /// Whether the client has named it.
        let hasKey: Bool
        /// What is to be asked, one after the other: the answer to the last one is the client's.
        let questions: [Question]
        /// How many of them are answered.
        var step = 0
        /// What they were answered.
        var answers: [JSONObject] = []
        let deadline: Duration
        var repeatsAt = Duration.zero

        var question: Question { self.questions[self.step] }

        /// Until when it is no answer that there is nothing.
        var waitsUntil: Duration { self.deadline - Teller.patience }

        /// What a client is told where somebody does not answer.
        var silence: Problem {
            guard case .index = self.demand else { return .unknown }
            return .busy("'\(self.question.address.node)' does not say which accounts it has")
        }
    }

    private let flaw: Bank.Flaw?
    private var places: AccountPlaces?
    /// The requests that are not answered, by number.
    private var errands: [Int: Errand] = [:]
    private var calls: [CallReference: (errand: Int, step: Int)] = [:]
    private var count = 0

    init(_ flaw: Bank.Flaw?) { self.flaw = flaw }

    mutating func handle(
        _ mail: Mail, _ context: inout ProcessContext
    ) throws(ProcessExit) {
        switch mail {
        case .started: self.places = AccountPlaces(context.membership)
        case .request(let message): self.take(message, &context)
        case .answer(let call, let outcome):
            guard let (number, step) = self.calls.removeValue(forKey: call),
                self.errands[number]?.step == step
            else { return }
            self.take(outcome, of: number, &context)
        case .timer: self.run(&context)
        default: break
        }
    }

    // MARK: Asking

    private mutating func take(_ message: Message, _ context: inout ProcessContext) {
        guard let request = HTTPRequest(message), let places = self.places else {
            return context.answer(.unsupported(message))
        }
        do throws(Problem) {
            let demand = try BankRequest(request)
            var key = try BankRequest.key(of: request)
            if self.flaw == .ignoresKeys { key = nil }
            self.count += 1
            let questions = Self.questions(
                demand, key: key ?? "\(context.pid) \(self.count)", places)
            if self.flaw == .castsDeposits, case .order(_, .deposit, _, _) = demand {
                return self.cast(questions, demand, for: request, &context)
            }
            self.errands[self.count] = Errand(
                request: request, demand: demand, hasKey: key != nil, questions: questions,
                deadline: context.now + demand.wait + Self.patience)
            self.ask(self.count, &context)
        } catch {
            context.answer(.respond(to: request, error))
        }
    }

    private static func questions(
        _ demand: BankRequest, key: String, _ places: AccountPlaces
    ) -> [Question] {
        switch demand {
        case .order(let account, let kind, let amount, let description):
            let order = AccountOrder(kind, amount: amount, description: description, key: key)
            let question = Question(
                address: places.address(of: account),
                body: ["type": "order", "order": order.json])
            if kind != .open { return [question] }
            let keeper = ProcessAddress.name(Bank.accounts, on: places.node(of: account))
            return [
                Question(
                    address: keeper, body: ["type": "keep", "account": .string(account)],
                    isToAccount: false), question,
            ]
        case .transfer(let from, let to, let amount, let description):
            // A key belongs to the account that pays, and its node remembers it.
            let transfer = Transfer(
                id: "\(from) \(key)", from: from, to: to, amount: amount, description: description)
            let desk = ProcessAddress.name(Bank.transfers, on: places.node(of: from))
            return [
                Question(
                    address: desk, body: ["type": "transfer", "transfer": transfer.json],
                    isToAccount: false)
            ]
        case .index:
            return places.nodes.map {
                Question(
                    address: .name(Bank.accounts, on: $0), body: ["type": "list"],
                    isToAccount: false)
            }
        case .show(let account):
            return [Question(address: places.address(of: account), body: ["type": "show"])]
        case .list(let account, let query, _):
            return [Question(address: places.address(of: account), body: query.json)]
        }
    }

    private mutating func ask(_ number: Int, _ context: inout ProcessContext) {
        guard let errand = self.errands[number] else { return }
        let question = errand.question
        let call = context.call(
            question.address, question.body, within: errand.deadline - context.now)
        self.calls[call] = (number, errand.step)
        self.errands[number]?.repeatsAt = context.now + Self.repetition
        context.setTimer(Self.timer, after: Self.breath)
    }

    private mutating func take(
        _ outcome: CallOutcome, of number: Int, _ context: inout ProcessContext
    ) {
        guard let errand = self.errands[number] else { return }
        switch outcome {
        case .reply(let body) where errand.step + 1 < errand.questions.count:
            self.errands[number]?.step += 1
            self.errands[number]?.answers.append(body)
            self.ask(number, &context)
        case .reply(let body) where Self.isEmpty(body) && context.now < errand.waitsUntil:
            // Who waits for news is told when there are some: the account is asked again soon.
            self.errands[number]?.repeatsAt = context.now + Self.breath
        case .reply(let body):
            self.conclude(number, with: Self.response(to: errand, body), &context)
        case .exited(.noProcess) where errand.question.isToAccount:
            let response = Self.response(to: errand, ["outcome": "no-account"])
            self.conclude(number, with: response, &context)
        // Whoever ended is about to start again.
        case .exited: self.errands[number]?.repeatsAt = context.now + Self.breath
        case .timeout:
            self.conclude(number, with: .respond(to: errand.request, errand.silence), &context)
        }
    }

    /// Whether an account had nothing to list.
    private static func isEmpty(_ body: JSONObject) -> Bool {
        body["entries"]?.arrayValue?.isEmpty == true
    }

    private mutating func conclude(
        _ number: Int, with response: Effect, _ context: inout ProcessContext
    ) {
        self.errands[number] = nil
        context.answer(response)
    }

    /// Asks again what nobody answers, and gives up what takes too long.
    private mutating func run(_ context: inout ProcessContext) {
        for (number, errand) in self.errands.sorted(by: { $0.key < $1.key }) {
            if errand.deadline <= context.now {
                self.conclude(
                    number, with: .respond(to: errand.request, errand.silence), &context)
            } else if errand.repeatsAt <= context.now {
                self.ask(number, &context)
            }
        }
        if !self.errands.isEmpty { context.setTimer(Self.timer, after: Self.breath) }
    }

    /// Says it to the account and does not wait.
    private func cast(
        _ questions: [Question], _ demand: BankRequest, for request: HTTPRequest,
        _ context: inout ProcessContext
    ) {
        for question in questions { context.cast(question.address, question.body) }
        guard case .order(_, let kind, let amount, let description) = demand else { return }
        context.answer(
            .respond(
                to: request, 201,
                json: [
                    "type": .string(kind.rawValue), "amount": .int(amount),
                    "description": .string(description),
                ]))
    }

    // MARK: Answering

    private static func response(to errand: Errand, _ body: JSONObject) -> Effect {
        let request = errand.request
        var headers: JSONObject = [:]
        if errand.hasKey, body["replayed"]?.boolValue == true {
            headers["idempotency-replayed"] = "true"
        }
        switch (body["outcome"]?.stringValue, errand.demand) {
        case ("done", .order(let account, .open, _, _)):
            headers["location"] = .string("/accounts/\(account)")
            return .respond(to: request, 201, json: body["account"] ?? nil, headers: headers)
        case ("done", .order):
            return .respond(to: request, 201, json: body["entry"] ?? nil, headers: headers)
        case ("done", .transfer):
            return .respond(to: request, 201, json: body["transfer"] ?? nil, headers: headers)
        case (_, .index(let limit, let cursor)):
            return self.index(errand.answers + [body], limit, cursor, to: request)
        case ("done", .show): return .respond(to: request, 200, json: body["account"] ?? nil)
        case ("done", .list(let account, let query, let format)):
            return self.statement(account, query, format, body, to: request)
        default:
            var problem = Self.problem(errand.demand, body)
            for header in headers.members { problem.headers[header.key] = header.value }
            return .respond(to: request, problem)
        }
    }

    /// The accounts of all nodes, in order.
    private static func index(
        _ answers: [JSONObject], _ limit: Int, _ cursor: String, to request: HTTPRequest
    ) -> Effect {
        let all = answers.flatMap { $0["accounts"]?.arrayValue ?? [] }.compactMap(\.stringValue)
        let rest = all.filter { $0 > cursor }.sorted()
        let page = rest.prefix(limit)
        let last = rest.count > limit ? page.last : nil
        let next = last.map { "/accounts?cursor=\($0)&limit=\(limit)" }
        var headers: JSONObject = [:]
        if let next { headers["link"] = .string("<\(next)>; rel=\"next\"") }
        return .respond(
            to: request, 200,
            json: [
                "accounts": .array(page.map { .string($0) }),
                "next": next.map { .string($0) } ?? nil,
            ], headers: headers)
    }

    private static func statement(
        _ account: String, _ query: StatementQuery, _ format: StatementFormat, _ body: JSONObject,
        to request: HTTPRequest
    ) -> Effect {
        let entries = (body["entries"]?.arrayValue ?? []).compactMap { LedgerEntry($0) }
        let next = body["next"]?.intValue.map { query.path(of: account, after: $0, format) }
        var headers: JSONObject = ["content-type": .string(format.contentType)]
        // RFC 8288, for those who do not read the body.
        if let next { headers["link"] = .string("<\(next)>; rel=\"next\"") }
        if format == .csv {
            headers["content-disposition"] = .string("attachment; filename=\"\(account).csv\"")
        }
        return .respond(
            to: request, 200, format.text(account, entries, next: next), headers: headers)
    }

    private static func problem(_ demand: BankRequest, _ body: JSONObject) -> Problem {
        switch (body["outcome"]?.stringValue, demand) {
        case ("refused", .order(let account, .open, _, _)):
            return .conflict("Account Exists", "there is an account '\(account)' already")
        case ("refused", .order(let account, _, let amount, _)):
            let balance = body["balance"]?.intValue ?? 0
            return .conflict(
                "Insufficient Funds", "'\(account)' has \(balance), which is less than \(amount)")
        case ("refused", .transfer(let from, _, let amount, _)):
            return .conflict("Insufficient Funds", "'\(from)' has less than \(amount)")
        case ("no-account", .order(let account, _, _, _)), ("no-account", .show(let account)),
            ("no-account", .list(let account, _, _)):
            return .missing("there is no account '\(account)'")
        case ("no-account", _):
            return .missing(body["reason"]?.stringValue ?? "there is no such account")
        case ("key-reused", _):
            return .senseless("this Idempotency-Key was used for another request")
        case ("failed", _): return .senseless(body["reason"]?.stringValue ?? "it failed")
        case ("broken", _): return .broken(body["reason"]?.stringValue ?? "something broke")
        default:
            return .busy("nothing was done: \(body["reason"]?.stringValue ?? "try again later")")
        }
    }
}
