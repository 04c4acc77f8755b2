import ChaosCore
import NodeKit

// S33: a stack on the first node, behind a generic server that somebody wrote by hand.
//
//     push{value} -> push_ok      pop -> pop_ok{value}, null where there is nothing
//     info        -> info_ok{value}, how many there are
//
// Between nodes: push{value, …}, pop{…}, info{…} and push_done{…}, pop_done{…}, info_done{…}.

extension ReferenceSystem {
    static let stack = ReferenceSystem(
        name: "stack", summary: "a stack behind a generic server that somebody wrote by hand",
        variants: [
            Variant("numbered", "calls have references, requests have ids, both are looked at") {
                Stack.node()
            },
            Variant("no-ids", "a request that comes again is done again") {
                Stack.node(server: [.forgetsRequests])
            },
            Variant("any-reply", "the reply that comes is taken for the one that is waited for") {
                Stack.node(desk: [.takesAnyReply])
            },
            Variant("waits-for-ever", "waits for the reply, and for nothing else") {
                Stack.node(desk: [.waitsForEver])
            },
            Variant("crashes-when-empty", "has no answer where there is nothing to pop") {
                Stack.node(hasAnswerWhenEmpty: false)
            },
            Variant("volatile", "begins empty when it starts again") {
                Stack.node(server: [.keepsNothing])
            },
        ])
}

/// Last in, first out.
private struct Stack: ServerModule {
    let hasAnswerWhenEmpty: Bool
    private var elements: [JSONValue] = []

    var commands: [JSONObject] { self.elements.map { ["type": "push", "value": $0] } }

    init(hasAnswerWhenEmpty: Bool) { self.hasAnswerWhenEmpty = hasAnswerWhenEmpty }

    mutating func handle(
        _ command: JSONObject
    ) throws(ProcessExit) -> (answer: JSONValue, isChange: Bool)? {
        switch command["type"]?.stringValue {
        case "push":
            self.elements.append(command["value"] ?? nil)
            return (nil, true)
        case "pop":
            if let last = self.elements.popLast() { return (last, true) }
            guard self.hasAnswerWhenEmpty else { throw .crash("no clause matches pop([])") }
            return (nil, true)
        case "info": return (.int(Int64(self.elements.count)), false)
        default: return nil
        }
    }

    static func node(
        server: Set<GenericServer<Stack>.Flaw> = [], desk: Set<ServerDesk.Flaw> = [],
        hasAnswerWhenEmpty: Bool = true
    ) -> ProcessNode {
        ProcessNode(
            requests: [
                "push": ServerDesk.name, "pop": ServerDesk.name, "info": ServerDesk.name,
            ]
        ) {
            Supervisor(
                .oneForOne,
                [
                    // Every node has one; the desks ask the first node's.
                    Supervisor.Child("stack") {
                        GenericServer(Stack(hasAnswerWhenEmpty: hasAnswerWhenEmpty), server)
                    },
                    Supervisor.Child(ServerDesk.name) { ServerDesk(StackWords(), desk) },
                ])
        }
    }
}

private struct StackWords: ServerWords {
    let server = "stack"

    func command(for request: Message) -> JSONObject {
        var command: JSONObject = ["type": .string(request.type)]
        command["value"] = request["value"]
        return command
    }

    func answer(to request: Message, _ value: JSONValue) -> JSONObject {
        var answer: JSONObject = ["type": .string("\(request.type)_ok")]
        if request.type != "push" { answer["value"] = value }
        return answer
    }
}
