import ChaosCore
import ChaosEngine
import Testing

/// What an HTTP stage does to requests and answers, with the clock in the test's hand.
@Suite("HTTP stage")
struct HTTPStageTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    private static let refusal =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        + "Content-Length: 0\r\n\r\n"

    private func rig(_ change: (inout HTTPFault) -> Void) -> StreamRig {
        var fault = HTTPFault()
        change(&fault)
        let rig = StreamRig(stages: [])
        Self.set(rig, fault)
        return rig
    }

    private static func set(_ rig: StreamRig, _ fault: HTTPFault?, revision: Int = 0) {
        let stages = fault.map { fault in
            [Stage.Action.http(fault), .httpReplies].map {
                Stage(identity: 1, revision: revision, label: "h", action: $0)
            }
        }
        rig.network.setStages(
            stages.map { [$0[0]] } ?? [], on: StreamRig.link, seed: Seed(1))
        rig.network.setStages(
            stages.map { [$0[1]] } ?? [], on: StreamRig.link.reversed, seed: Seed(1))
        rig.setStages(stages.map { [$0[0]] } ?? [])
    }

    @Test("what fits is answered in the target's place, and the connection goes on")
    func aborts() {
        let rig = self.rig {
            $0.path = "/b*"
            $0.status = 503
        }
        rig.send(Self.get)
        #expect(rig.text() == Self.get)
        rig.send(Self.ok, .backward)
        rig.send("GET /bad?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.text() == Self.get)
        #expect(rig.text(.backward) == Self.ok + Self.refusal)
        rig.send(Self.get)
        rig.send(Self.ok, .backward)
        #expect(rig.text() == Self.get + Self.get)
        #expect(rig.text(.backward) == Self.ok + Self.refusal + Self.ok)
        #expect(!rig.connection.isOver)
    }

    @Test("pipelined answers keep the order of their requests, whatever pieces all comes in")
    func keepsOrder() {
        let requests = Self.get + "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + Self.get
        for size in [1, 7, 1000] {
            let rig = self.rig {
                $0.method = "POST"
                $0.status = 503
            }
            var rest = Array(requests.utf8)[...]
            while !rest.isEmpty {
                rig.send(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(rig.text() == Self.get + Self.get)
            // The answer in the middle waits for the one before it.
            #expect(rig.text(.backward) == "")
            var answers = Array((Self.ok + Self.ok).utf8)[...]
            while !answers.isEmpty {
                rig.send(Array(answers.prefix(size)), .backward)
                answers = answers.dropFirst(size)
            }
            #expect(rig.text(.backward) == Self.ok + Self.refusal + Self.ok)
        }
    }

    @Test("a body in chunks is swallowed whole, and interim answers answer nothing")
    func chunksAndInterims() {
        let rig = self.rig {
            $0.header = HTTPFault.Field("x-fail", "y*")
            $0.status = 503
        }
        rig.send("POST /a HTTP/1.1\r\nX-Fail: yes\r\nTransfer-Encoding: chunked\r\n\r\n")
        rig.send("3\r\nabc\r\n0\r\n")
        #expect(rig.text(.backward) == "")
        rig.send("\r\n")
        #expect(rig.text() == "")
        #expect(rig.text(.backward) == Self.refusal)
        rig.send(Self.get)
        rig.send("POST /c HTTP/1.1\r\nX-Fail: yes\r\nContent-Length: 0\r\n\r\n")
        rig.send("HTTP/1.1 103 Early Hints\r\n\r\n", .backward)
        #expect(rig.text(.backward) == Self.refusal + "HTTP/1.1 103 Early Hints\r\n\r\n")
        rig.send(Self.ok, .backward)
        #expect(
            rig.text(.backward)
                == Self.refusal + "HTTP/1.1 103 Early Hints\r\n\r\n" + Self.ok + Self.refusal)
    }

    @Test("the answer to HEAD has no body, and its length does not confuse what follows")
    func heads() {
        let rig = self.rig {
            $0.path = "/b"
            $0.status = 418
            $0.body = "short"
        }
        rig.send("HEAD /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\n")
        rig.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", .backward)
        #expect(
            rig.text(.backward).hasSuffix(
                "1000\r\n\r\nHTTP/1.1 418 I'm a teapot\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    + "Content-Length: 5\r\n\r\n"))
        rig.send("GET /b HTTP/1.1\r\n\r\n")
        #expect(rig.text(.backward).hasSuffix("Content-Length: 5\r\n\r\nshort"))
    }

    @Test("who asks to close, speaks HTTP/1.0 or waits for 100 is answered and closed")
    func closes() {
        let bare = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        for request in [
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
            "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        ] {
            let rig = self.rig { $0.status = 204 }
            rig.send(request)
            #expect(rig.seen(.backward) == ["0 \(bare)", "0 close"], "\(request)")
            #expect(rig.text() == "")
        }
        let rig = self.rig { $0.status = 204 }
        rig.send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        #expect(rig.seen(.backward) == ["0 HTTP/1.1 204 No Content\r\n\r\n"])
    }

    @Test("only the first requests that fit are struck, over all connections; a change counts anew")
    func first() {
        var fault = HTTPFault()
        fault.first = 2
        fault.status = 503
        let rig = self.rig { $0 = fault }
        let other = rig.another()
        rig.send(Self.get)
        other.send(Self.get)
        rig.send(Self.get)
        #expect(rig.text(.backward) == Self.refusal)
        #expect(other.text(.backward) == Self.refusal)
        #expect(rig.text() == Self.get)
        rig.send(Self.ok, .backward)
        Self.set(rig, fault, revision: 1)
        rig.send(Self.get)
        #expect(rig.text(.backward) == Self.refusal + Self.ok + Self.refusal)
    }

    @Test("a request that is delayed holds up those behind it; its answer comes later too")
    func delays() {
        let rig = self.rig {
            $0.path = "/slow"
            $0.delay = 300
        }
        let slow = "GET /slow HTTP/1.1\r\n\r\n"
        rig.send(slow + Self.get)
        rig.advance(1000)
        #expect(rig.seen() == ["300 \(slow)\(Self.get)"])
        let own = self.rig {
            $0.delay = 300
            $0.status = 503
        }
        own.send(Self.get)
        own.advance(1000)
        #expect(own.seen(.backward) == ["300 \(Self.refusal)"])
    }

    @Test("a body is cut at the byte, whether its length or chunks tell its end")
    func truncates() {
        let rig = self.rig { $0.truncate = 5 }
        rig.send(Self.get + Self.get)
        rig.send(Self.ok, .backward)
        #expect(!rig.connection.isOver)
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
        rig.send(head + "hello world", .backward)
        #expect(rig.seen(.backward) == ["0 \(Self.ok)\(head)hello", "0 close"])
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for size in [1, 4, 1000] {
            let rig = self.rig { $0.truncate = 5 }
            rig.send(Self.get)
            var rest = Array((chunked + "3;x=7\r\nhel\r\n8\r\nlo world\r\n0\r\n\r\n").utf8)[...]
            while !rest.isEmpty, !rig.connection.isOver {
                rig.send(Array(rest.prefix(size)), .backward)
                rest = rest.dropFirst(size)
            }
            #expect(rig.seen(.backward).last == "0 close")
            #expect(rig.text(.backward) == chunked + "3;x=7\r\nhel\r\n8\r\nlo")
        }
    }

    @Test("taken away, it still answers what it took, and nothing after that")
    func removed() {
        let rig = self.rig {
            $0.method = "POST"
            $0.status = 503
        }
        // Half of a request that is answered here, behind one that the target answers.
        rig.send(Self.get + "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\na")
        Self.set(rig, nil)
        rig.send("bc" + "POST /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.text() == Self.get + "POST /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        rig.send(Self.ok + Self.ok, .backward)
        #expect(rig.text(.backward) == Self.ok + Self.refusal + Self.ok)
    }

    @Test("what is no HTTP, and what follows an upgrade, passes as it is")
    func passes() {
        let rig = self.rig { $0.status = 503 }
        rig.send([0x16, 0x03, 0x01, 0x0A, 0x0A])
        #expect(rig.output() == [0x16, 0x03, 0x01, 0x0A, 0x0A])
        rig.send("more", .backward)
        #expect(rig.text(.backward) == "more")
        let upgraded = self.rig {
            $0.method = "POST"
            $0.status = 503
        }
        let upgrade = "GET /ws HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
        upgraded.send(upgrade)
        upgraded.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .backward)
        upgraded.send("POST / HTTP/1.1\r\n\r\n")
        #expect(upgraded.text() == upgrade + "POST / HTTP/1.1\r\n\r\n")
    }

    @Test("an end behind an answered request still lets the answer out")
    func ends() {
        let rig = self.rig {
            $0.status = 503
            $0.delay = 50
        }
        rig.send(Self.get)
        rig.end()
        rig.end(.backward)
        rig.advance(100)
        #expect(rig.seen(.backward) == ["50 \(Self.refusal)", "50 |", "50 close"])
    }

    @Test(
        "patterns stand for any text",
        arguments: [
            ("*", "", true), ("/a*", "/abc", true), ("/a*", "/b", false), ("*c", "abc", true),
            ("/a*b*c", "/a-b-c", true), ("/a*b*c", "/a-c", false), ("a*a", "a", false),
            ("exact", "exact", true), ("exact", "exactly", false),
        ])
    func patterns(_ pattern: String, _ text: String, _ isMatch: Bool) {
        #expect(HTTPFault.matches(pattern, text) == isMatch)
    }
}
