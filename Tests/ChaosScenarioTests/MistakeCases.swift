let yamlMistakes = [
    MistakeCase("", "a.yaml:1:1: the file is empty"),
    MistakeCase("# nothing\n", "a.yaml:1:1: the file is empty"),
    MistakeCase("3", "a.yaml:1:1: a scenario is a mapping of keys to values, found '3'"),
    MistakeCase("[]", "a.yaml:1:1: a scenario is a mapping of keys to values, found '[…]'"),
    MistakeCase(
        "{", "a.yaml:2:1: this is not YAML: did not find expected node content",
        "hint: something that opens with '{', '[' or a quote is not closed"),
    MistakeCase(
        "a: b: c",
        "a.yaml:1:5: this is not YAML: mapping values are not allowed in this context, found ': c'",
        "hint: indent keys alike, and put a text that contains ': ' in quotes"),
    MistakeCase(
        "\tb: 1",
        "a.yaml:1:1: this is not YAML: found character that cannot start any token, found '\tb: 1'",
        "hint: indent with spaces, not with tabs"),
    MistakeCase(
        "a: @x",
        "a.yaml:1:4: this is not YAML: found character that cannot start any token, found '@x'",
        "hint: put the text in quotes"),
    MistakeCase(
        "nodes:\n  *->n2: {}\n",
        "a.yaml:2:5: this is not YAML: did not find expected alphabetic or numeric character, "
            + "found '>n2: {}'",
        "hint: a text that begins with '*' needs quotes, as in \"*->n2\""),
    MistakeCase(
        "a: 1\n---\nb: 2", "a.yaml:2:1: this is not YAML: a file holds one document, found '---'",
        "hint: remove the line '---' in between"),
    MistakeCase(
        "a: \u{1}", "a.yaml:1:4: a YAML file is UTF-8 text without control characters, found 'U+1'"),
]

let topMistakes = [
    MistakeCase(
        "seed: 010\nname: x\nname: y\nname: z\nsed: 1\nduration: 3s",
        "a.yaml:1:7: a seed is a whole number from 0 to 18446744073709551615, found '010'",
        "hint: write '10'",
        "a.yaml:3:1: a key stands once in a scenario, found 'name'",
        "hint: it stands in line 2 already",
        "a.yaml:4:1: a key stands once in a scenario, found 'name'",
        "hint: it stands in line 2 already",
        "a.yaml:5:1: a scenario has no such key, found 'sed'", "hint: did you mean 'seed'?",
        "a.yaml:6:1: a scenario has no such key, found 'duration'", "hint: write 'for'"),
    MistakeCase(
        "for: 10\nseed: -1\naddressing: loopbak\nbackend: netm",
        "a.yaml:1:6: a duration is a number with a unit (ns us ms s m h), found '10'",
        "hint: write '10ms' or '10s'",
        "a.yaml:2:7: a seed is a whole number from 0 to 18446744073709551615, found '-1'",
        "a.yaml:3:13: 'addressing' is one of auto, loopback, ports, ipv6, found 'loopbak'",
        "hint: did you mean 'loopback'?",
        "a.yaml:4:10: 'backend' is one of auto, proxy, lab, netem, found 'netm'",
        "hint: did you mean 'netem'?"),
    MistakeCase(
        "\"seed\": 1\n'seed': 2", "a.yaml:2:1: a key stands once in a scenario, found 'seed'",
        "hint: it stands in line 1 already"),
    MistakeCase(
        "workload: {kind: x, for: 0s}\nchecks:\n  - b: c\n  - {c: {}, d: {}}\n  - [x]",
        "a.yaml:1:26: this time is more than 0, found '0s'",
        "a.yaml:3:8: the value of 'b' is a mapping of keys to values, found 'c'",
        "a.yaml:4:5: one check stands in one line, found 'c, d'",
        "hint: begin each with '- ', and indent its parameters",
        "a.yaml:5:5: a check is a name, or a name with parameters, found '[…]'"),
    MistakeCase(
        "expect: { verdict: bad }\nlinks: { db: localhost, x: { listen: '1:2' }, client: 'a:1' }",
        "a.yaml:1:20: a verdict is one of valid, invalid, unknown, found 'bad'",
        "a.yaml:2:14: an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found 'localhost'",
        "hint: for example '127.0.0.1:5432'", "a.yaml:2:28: a link needs 'to'",
        "a.yaml:2:47: a node has a name of its own, found 'client'",
        "hint: client, that, any, rest, all, isolate, lin-kv, seq-kv, lww-kv, lin-tso have a meaning already"
    ),
    MistakeCase(
        "addressing: loopback\nnodes: { n1..n254: { command: x }, m1: { command: x } }",
        "a.yaml:1:13: 'addressing: loopback' has room for 254 nodes, found '255'",
        "hint: write 'addressing: ports'"),
]

let nodeMistakes = [
    MistakeCase("nodes: {}", "a.yaml:1:8: 'nodes' names at least one node"),
    MistakeCase(
        "nodes:\n  n1: x", "a.yaml:2:7: a node is a mapping of keys to values, found 'x'"),
    MistakeCase(
        """
        nodes:
          n1..n3: { command: x }
          n2: { cmd: y }
          client: { command: z }
          n*: { command: x }
          n9..n1: {command: x}
        """,
        "a.yaml:3:3: a node is named once, found 'n2'", "hint: line 2 names it already",
        "a.yaml:3:7: a node needs a 'command'", "a.yaml:3:9: a node has no such key, found 'cmd'",
        "hint: write 'command'", "a.yaml:4:3: a node has a name of its own, found 'client'",
        "hint: client, that, any, rest, all, isolate, lin-kv, seq-kv, lww-kv, lin-tso have a meaning already",
        "a.yaml:5:3: a node's name is 1 to 63 letters, digits, '_', '-' or '.', and no '..', "
            + "found 'n*'", "a.yaml:6:3: a range of nodes is written like 'n1..n3', found 'n9..n1'"),
    MistakeCase(
        """
        nodes:
          n1:
            command: ''
            ports: { a: 7/ud, b: 99999, c: x, d: 08, e: 9/udp, f: 9, g: 9/udp }
            env: { A: b, c, 1x: y }
            ready: { tcp: q, htp: /x }
            restart: sometimes
        """,
        "a.yaml:3:14: 'command' is not empty",
        "a.yaml:4:17: a port is a whole number from 1 to 65535, found '7/ud'",
        "a.yaml:4:26: a port is a whole number from 1 to 65535, found '99999'",
        "a.yaml:4:36: a port is 'auto', 'udp', 'unix' or a number, found 'x'",
        "hint: a udp port with a number is written like '7946/udp'",
        "a.yaml:4:42: a port is a whole number from 1 to 65535, found '08'", "hint: write '8'",
        "a.yaml:4:62: a port's number stands once, found '9'",
        "a.yaml:5:18: an unquoted comma ends a value in {…}, found 'c'", "hint: write A: 'b, c'",
        "a.yaml:5:21: a variable's name is letters, digits and '_', found '1x'",
        "a.yaml:6:19: the node has no such port, found 'q'", "hint: known are e, f, g",
        "a.yaml:6:22: 'ready' has no such key, found 'htp'", "hint: did you mean 'http'?",
        "a.yaml:7:14: 'restart' is one of no, on-failure, always, found 'sometimes'"),
    MistakeCase(
        "nodes: { n1: { command: [a, [b]], ports: [peer, peer], ready: { tcp: pear } } }",
        "a.yaml:1:29: a word of a command is a text, found '[…]'",
        "a.yaml:1:49: a port is named once, found 'peer'",
        "a.yaml:1:70: the node has no such port, found 'pear'", "hint: did you mean 'peer'?"),
]

let networkMistakes = [
    MistakeCase(
        "  addressing: loopback\n  profil: lan",
        "a.yaml:3:3: 'network' has no such key, found 'addressing'",
        "hint: 'addressing' stands beside 'network', not in it",
        "a.yaml:4:3: 'network' has no such key, found 'profil'", "hint: did you mean 'profile'?"),
    MistakeCase(
        "  profile: flaky-wann\n  framing: { peer: http3, pier: lines }",
        "a.yaml:3:12: there is no such profile, found 'flaky-wann'",
        "hint: did you mean 'flaky-wan'?",
        "a.yaml:4:20: a framing is one of none, lines, length16, length32, varint, resp, http1, http2, found 'http3'",
        "hint: did you mean 'http1'?",
        "a.yaml:4:27: no node has such a port, found 'pier'", "hint: did you mean 'peer'?"),
    MistakeCase(
        "  framing: { peer: http2 }\n  mode: lose\n"
            + "  links:\n    n1->n2: { loss: 1%, duplicate: 1% }",
        "a.yaml:4:9: mode 'lose' would leave no connection of port 'peer' alive, whose framing is http2, found 'lose'",
        "hint: 'drop' is silence, 'reject' resets and refuses, 'hold' keeps everything back",
        "a.yaml:6:5: no message may come twice or overtake another on http2, which port 'peer' has, found 'duplicate 1%'",
        "hint: delay, loss, ack_loss, corrupt and rate leave its connections alive"),
    MistakeCase(
        "  links:\n    n1->n2: { delay: 100, loss: 10, rate: 10mbps }\n    n1>n2: { delay: 1s }",
        "a.yaml:4:22: a duration is a number with a unit (ns us ms s m h), found '100'",
        "hint: write '100ms' or '100s'",
        "a.yaml:4:33: a ratio is written as '10%', '1/20' or '0.05', found '10'",
        "hint: write '10%' or '0.1'",
        "a.yaml:4:43: 'mbps' means bits to most tools and bytes to tc, found '10mbps'",
        "hint: write '10mbit' for bits or '10MB/s' for bytes",
        "a.yaml:5:5: a link is written like 'n1->n2', 'n1<->n2' or '*->n3:peer', found 'n1>n2'"),
    MistakeCase(
        "  links:\n    n1->n3: { latency: 5ms }\n    n1->n2:pear: { loss: { percent: 5%, nth: 3 } }",
        "a.yaml:4:5: there is no such node, found 'n3'", "hint: nodes are n1, n2, client",
        "a.yaml:4:15: a link has no such key, found 'latency'", "hint: write 'delay'",
        "a.yaml:5:5: no node has such a port, found 'pear'", "hint: did you mean 'peer'?",
        "a.yaml:5:26: 'loss' needs either 'percent' or 'nth'", "hint: for example '5%' or 'nth:3'"),
    MistakeCase(
        "  mode: drop\nworkload: { kind: echo, nodes: n1 n9 }",
        "a.yaml:4:32: there is no such node, found 'n9'", "hint: nodes are n1, n2, client"),
    MistakeCase(
        "  links:\n    n2->n1: { loss: { gemodel: { p: 1%, h: 3% }, percent: 1% }, http: {} }",
        "a.yaml:4:41: 'gemodel' has no such key, found 'h'", "hint: known are p, r, 1-h, 1-k",
        "a.yaml:4:59: 'gemodel' stands alone, found 'percent'",
        "a.yaml:4:65: chaos cannot do 'http' yet"),
    MistakeCase(
        "  links:\n    n1<->n2: { delay: 10ms, 20ms, normal }",
        "a.yaml:4:29: an unquoted comma ends a value in {…}, found '20ms'",
        "hint: write delay: '10ms, 20ms, normal'"),
    MistakeCase(
        "  links:\n    '*->n1': { netem: 'delay 10ms loss state 1%' }\n    n1->n2: {}",
        "a.yaml:4:23: chaos cannot do netem's four-state loss, found 'delay 10ms loss state 1%'",
        "hint: 'loss gemodel P R' has bursts too", "a.yaml:5:13: a link needs at least one fault",
        "hint: such as 'delay: 80ms'"),
    MistakeCase(
        "  mode: lose\n  links:\n    n1->n2: { reorder: 5%, loss: { nth: 3, match: { type: x } } }",
        "a.yaml:3:9: mode 'lose' needs messages, and port 'peer' has no framing, found 'lose'",
        "hint: write 'framing: { peer: lines }' under 'network'",
        "a.yaml:5:5: 'match' needs messages, and port 'peer' has no framing, "
            + "found 'loss nth 3 type:x'",
        "hint: write 'framing: { peer: lines }' under 'network'",
        "a.yaml:5:5: 'reorder' needs messages, and port 'peer' has no framing, found 'reorder 5%'",
        "hint: write 'framing: { peer: lines }' under 'network'"),
    MistakeCase(
        "  links:\n    n1->n2: { refuse: 5s, slicer: { size: 3B, variation: 3B }, delay: { latency: 2h } }",
        "a.yaml:4:23: 'refuse' has no parameters, found '5s'",
        "hint: write 'refuse: true', or leave it out",
        "a.yaml:4:58: 'variation' is less than 'size', found '3B'",
        "a.yaml:4:82: a fault's time is at most 1h, found '2h'"),
]

let scheduleMistakes = [
    MistakeCase(
        "{ at: 1s, partition: n1 / n2, n3, for: 2s }",
        "a.yaml:3:35: an unquoted comma ends a value in {…}, found 'n3'",
        "hint: write partition: 'n1 / n2, n3'"),
    MistakeCase(
        "{ at: 1s, partition: n1 / n4 }", "a.yaml:3:26: there is no such node, found 'n4'",
        "hint: nodes are n1, n2, n3, client"),
    MistakeCase(
        "{ at: 1s, partition: n1 }",
        "a.yaml:3:26: a partition has at least two groups, as in 'n1 / n2 n3', found 'n1'",
        "hint: write 'isolate n1' to cut nodes off"),
    MistakeCase(
        "{ at: 1s, partition: halfs }",
        "a.yaml:3:26: a partition has at least two groups, as in 'n1 / n2 n3', found 'halfs'",
        "hint: did you mean 'halves'?"),
    MistakeCase(
        "{ at: 1s, partition: n1 <-> n2 }",
        "a.yaml:3:26: a partition both ways is written with '/', found 'n1 <-> n2'",
        "hint: write 'n1 / n2'"),
    MistakeCase(
        "{ at: 1s, partition: 'eu-* / us-*' }",
        "a.yaml:3:26: this partition cuts nothing, found 'eu-* / us-*'"),
    MistakeCase(
        "{ at: 1s, partition: any / n1 }",
        "a.yaml:3:26: 'any' is no member of a group, found 'any / n1'", "hint: write 'isolate: any'"
    ),
    MistakeCase(
        "{ at: 1s, partition: n1 / n2, mode: unreachable }\nbackend: proxy",
        "a.yaml:3:41: mode 'unreachable' needs the lab, found 'unreachable'",
        "hint: write 'backend: lab'; 'reject' resets and refuses instead"),
    MistakeCase(
        "{ at: 1s, partition: n1 / n2, mode: lose, port: peer }",
        "a.yaml:3:41: mode 'lose' needs messages, and port 'peer' has no framing, found 'lose'",
        "hint: write 'framing: { peer: lines }' under 'network'",
        "a.yaml:3:53: no node has such a port, found 'peer'", "hint: known are main"),
    MistakeCase(
        "{ at: 30%, pause: n1 }",
        "a.yaml:3:11: a share of a run needs to know how long it lasts, found '30%'",
        "hint: write 'for: 60s' at the top, or a time such as '5s'"),
    MistakeCase(
        "{ at: 60s, pause: n1 }\nfor: 1m",
        "a.yaml:3:11: a schedule's time comes before the end of the run, which lasts 1m, found '1m'"
    ),
    MistakeCase(
        "{ every: 1s ± 2s, for: 1s, pause: n1 }",
        "a.yaml:3:14: the spread of 'every' is at most its time, found '1s ± 2s'"),
    MistakeCase(
        "{ every: 5s, pause: n1 }", "a.yaml:3:5: what happens again and again needs 'for'",
        "hint: for example 'for: 5s'"),
    MistakeCase(
        "{ every: 5s, from: 9s, until: 9s, kill: n1 }",
        "a.yaml:3:35: 'until' comes after the first time, found '9s'"),
    MistakeCase(
        "{ at: 1s, kil: n1 }", "a.yaml:3:15: a schedule entry has no such key, found 'kil'",
        "hint: did you mean 'kill'?"),
    MistakeCase(
        "{ pause: n1 }", "a.yaml:3:5: a schedule entry has one of 'at', 'every' and 'when'"),
    MistakeCase(
        "{ at: 1s, when: x, heal: all }",
        "a.yaml:3:5: a schedule entry has one of 'at', 'every' and 'when', found 'at, when'"),
    MistakeCase(
        "{ at: 1s, pause: n1, kill: n2 }",
        "a.yaml:3:5: a schedule entry does one thing: partition, isolate, heal, set, links, nemesis, crash, "
            + "clock, tell, kill, stop, pause, resume, restart, found 'kill, pause'"),
    MistakeCase(
        "{ at: 1s }",
        "a.yaml:3:5: a schedule entry does one thing: partition, isolate, heal, set, links, nemesis, crash, "
            + "clock, tell, kill, stop, pause, resume, restart"),
    MistakeCase(
        "{ at: 1s, pause: that }",
        "a.yaml:3:22: 'that' is the node that 'when' saw, found 'that'",
        "hint: write 'when: { log: … }' instead of 'at' or 'every'"),
    MistakeCase(
        "{ at: 1s, kill: client }", "a.yaml:3:21: chaos did not start 'client' and cannot kill it"),
    MistakeCase(
        "{ at: 1s, links: n1->n2 }", "a.yaml:3:22: 'links' needs a fault beside it",
        "hint: such as 'delay: 100ms'"),
    MistakeCase(
        "{ at: 1s, delay: 3ms }", "a.yaml:3:22: a fault needs 'links' beside it, found 'delay'",
        "hint: for example links: 'n1->n2'"),
    MistakeCase(
        "{ at: 1s, links: n1->n2, duplicate: 5% }",
        "a.yaml:3:22: 'duplicate' needs messages, and port 'main' has no framing, "
            + "found 'duplicate 5%'", "hint: write 'framing: { main: lines }' under 'network'"),
    MistakeCase("{ at: 1s, clock: { node: n1 } }", "a.yaml:3:22: 'clock' needs a 'jump'"),
    MistakeCase(
        "{ at: 1s, nemesis: [kil], budget: 9 }",
        "a.yaml:3:25: a kind of nemesis is one of partition, halves, random-halves, isolate, one-way, "
            + "majority, majorities-ring, bridge, kill, pause, restart, delay, loss, clog, found 'kil'",
        "hint: did you mean 'kill'?"),
    MistakeCase(
        "{ at: 1s, nemesis: [kill], budget: 9 }",
        "a.yaml:3:40: a budget is at most the number of nodes, 3, found '9'"),
    MistakeCase(
        "{ when: { log: '/[/' }, pause: n1 }",
        "a.yaml:3:20: a log pattern is a text, or a regular expression between slashes, found '/[/'"
    ),
    MistakeCase(
        "{ when: { message: { type: x } }, pause: that }",
        "a.yaml:3:13: a message can be seen only where a port has a framing",
        "hint: write 'framing: { main: lines }' under 'network'"),
    MistakeCase(
        "{ at: 1s, for: 0s, kill: n1, mode: drop, port: x }",
        "a.yaml:3:20: 'for' is more than 0, found '0s'",
        "a.yaml:3:40: 'mode' belongs to 'partition', 'isolate' and 'nemesis'",
        "a.yaml:3:52: 'port' belongs to 'partition' and 'isolate'"),
    MistakeCase(
        "{ at: 1s, for: 3s, heal: all }", "a.yaml:3:20: 'heal' is over at once and has no 'for'"),
    MistakeCase(
        "{ id: a, at: 1s, heal: all }\n  - { id: a, at: 2s, heal: all }",
        "a.yaml:4:11: an id stands once in a schedule, found 'a'"),
]
