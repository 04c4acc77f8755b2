import ChaosCore
import ChaosScenario
import Testing

@Suite("Faults as words of a command")
struct FaultTextTests {
    @Test(
        "are read and shown",
        arguments: [
            ("delay=100ms,10ms", "delay 100ms ± 10ms"), ("delay=100ms±10ms", "delay 100ms ± 10ms"),
            ("delay=100ms +- 10ms", "delay 100ms ± 10ms"), ("delay=100 ms", "delay 100ms"),
            ("delay=100ms,10ms,25%,normal", "delay 100ms ± 10ms normal 25%"),
            ("delay=100ms 25%", "delay 100ms 25%"), ("loss=5%", "loss 5%"),
            ("loss=1/20", "loss 5%"),
            ("loss=0.05,25%", "loss 5% 25%"), ("loss=nth:3", "loss nth 3"),
            ("loss=nth 3", "loss nth 3"), ("loss=gemodel 1% 10%", "loss gemodel 1% 10% 100% 0%"),
            ("loss=gemodel,1%", "loss gemodel 1% 99% 100% 0%"),
            ("loss=5%,type:broadcast,first:3", "loss 5% type:broadcast first:3"),
            ("loss=nth:2,body.key:x,match.nth:4", "loss nth 2 match.nth:4 body.key:x"),
            ("rate=1mbit", "rate 1mbit"), ("rate=1MB/s,burst:64KiB", "rate 8mbit burst:64KiB"),
            ("duplicate=10%", "duplicate 10%"), ("reorder=25%", "reorder 25%"),
            ("reorder=25%,gap:5,hold:1s", "reorder 25% gap:5 hold:1s"),
            ("corrupt=1%", "corrupt 1%"),
            ("corrupt=1%,bits:3", "corrupt 1% bits:3"),
            ("slicer=64B,32B,10ms", "slicer 64B 32B 10ms"),
            ("slicer=64B", "slicer 64B 0B 0s"), ("limit_data=1MiB", "limit_data 1MiB"),
            ("slow_close=1s", "slow_close 1s"), ("reset_peer=0s", "reset_peer 0s"),
            ("timeout=5s", "timeout 5s"), ("accept_delay=1s", "accept_delay 1s"),
            ("refuse", "refuse"), ("refuse=true", "refuse"), ("ack_loss=nth:1", "ack_loss nth 1"),
            ("coalesce=20ms", "coalesce 20ms"), ("netem=delay 75ms loss 1%", "delay 75ms; loss 1%"),
        ])
    func parse(word: String, text: String) throws {
        #expect(try FaultText.parse([word]).map(\.text).joined(separator: "; ") == text)
    }

    @Test func comeInTheOrderOfTheirKinds() throws {
        let faults = try FaultText.parse(["rate=1mbit", "loss=5%", "delay=1ms"])
        #expect(faults.map(\.kind) == [.delay, .loss, .rate])
    }

    @Test(
        "say what is wrong",
        arguments: [
            (
                "delay=100",
                "delay=100: a duration is a number with a unit (ns us ms s m h), found '100'\n"
                    + "hint: write '100ms' or '100s'"
            ),
            ("delai=1s", "there is no such fault, found 'delai'\nhint: did you mean 'delay'?"),
            ("delay", "'delay' needs a value, found 'delay'\nhint: write 'delay=…'"),
            (
                "delay=1s,2s,3%,4s",
                "delay=1s,2s,3%,4s: 'delay' has at most 3 values in its short form, "
                    + "found '1s,2s,3%,4s'\nhint: in order: latency, jitter, correlation"
            ),
            (
                "loss=10",
                "loss=10: a ratio is written as '10%', '1/20' or '0.05', found '10'\n"
                    + "hint: write '10%' or '0.1'"
            ),
            ("loss=101%", "loss=101%: a ratio is between 0% and 100%, found '101%'"),
            (
                "rate=1mbps",
                "rate=1mbps: 'mbps' means bits to most tools and bytes to tc, found '1mbps'\n"
                    + "hint: write '1mbit' for bits or '1MB/s' for bytes"
            ),
            (
                "loss=5%,corelation:3%",
                "loss=5%,corelation:3%: 'loss' has no such key, "
                    + "found 'corelation'\nhint: did you mean 'correlation'?"
            ),
            (
                "ack_loss=nth:0",
                "ack_loss=nth:0: 'nth' is a whole number from 1 to 1000000000, found '0'"
            ),
            (
                "refuse=1s",
                "refuse=1s: 'refuse' has no parameters, found '1s'\n"
                    + "hint: write 'refuse: true', or leave it out"
            ),
            (
                "",
                "there is no such fault, found ''\nhint: known are delay, loss, duplicate, reorder, "
                    + "corrupt, rate, slicer, limit_data, slow_close, reset_peer, timeout, accept_delay, "
                    + "refuse, ack_loss, coalesce, netem"
            ),
        ])
    func mistakes(word: String, sentence: String) {
        #expect { try FaultText.parse([word]) } throws: { "\($0)" == sentence }
    }

    @Test func areOneOfEachKind() {
        #expect { try FaultText.parse(["delay=1s", "delay=2s"]) } throws: {
            "\($0)" == "a link has one fault of each kind, found 'delay'"
        }
        #expect { try FaultText.parse([]) } throws: {
            "\($0)" == "there is no fault\nhint: for example 'delay=100ms'"
        }
    }
}

@Suite("A netem text")
struct NetemTextTests {
    @Test(
        "gives faults",
        arguments: [
            (
                "delay 75ms 100ms distribution normal loss 0.1%",
                "delay 75ms ± 100ms normal; loss 0.1%"
            ),
            ("delay 100ms 10ms 25%", "delay 100ms ± 10ms 25%"),
            ("latency 100ms", "delay 100ms"),
            ("delay 100msec 10msec distribution paretonormal", "delay 100ms ± 10ms paretonormal"),
            ("loss random 5% 25%", "loss 5% 25%"), ("drop 5%", "loss 5%"),
            ("loss gemodel 1% 10% 70% 0.1%", "loss gemodel 1% 10% 70% 0.1%"),
            ("duplicate 1% corrupt 0.1% 5%", "duplicate 1%; corrupt 0.1% 5%"),
            ("delay 10ms reorder 25% 50% gap 5", "delay 10ms; reorder 25% 50% gap:5 hold:10ms"),
            ("delay 10ms reorder 25%", "delay 10ms; reorder 25% gap:none hold:10ms"),
            ("rate 1mbit delay 5ms", "rate 1mbit; delay 5ms"),
        ])
    func parse(text: String, faults: String) throws {
        #expect(try NetemText.parse(text).map(\.text).joined(separator: "; ") == faults)
    }

    @Test(
        "says what it cannot be",
        arguments: [
            (
                "",
                "a netem text names faults, found ''\nhint: for example 'delay 75ms 10ms loss 0.1%'"
            ),
            ("delay", "netem's 'delay' needs a value, found 'delay'"),
            (
                "delay 100",
                "a duration is a number with a unit (ns us ms s m h), found '100'\n"
                    + "hint: write '100ms' or '100s'"
            ),
            (
                "delay 1ms distribution normal",
                "netem's 'distribution' needs a delay and a jitter, "
                    + "found 'delay 1ms distribution normal'"
            ),
            (
                "delay 1ms 1ms distribution norml",
                "a distribution is one of uniform, normal, pareto, "
                    + "paretonormal, exponential, found 'norml'\nhint: did you mean 'normal'?"
            ),
            (
                "loss state 1%",
                "chaos cannot do netem's four-state loss, found 'loss state 1%'\n"
                    + "hint: 'loss gemodel P R' has bursts too"
            ),
            ("loss 1% ecn", "chaos cannot do netem's 'ecn', found 'loss 1% ecn'"),
            (
                "delay 1ms slot 800us",
                "chaos cannot do netem's 'slot', found 'delay 1ms slot 800us'"
            ),
            (
                "seed 5",
                "chaos cannot do netem's 'seed', found 'seed 5'\n"
                    + "hint: the run's seed decides: 'seed: 42'"
            ),
            (
                "limit 1000",
                "netem's 'limit' counts packets, and chaos limits queues in bytes, "
                    + "found 'limit 1000'\nhint: leave it out, or write 'network: { limit: 16MiB }'"
            ),
            ("reorder 5%", "netem's 'reorder' needs a delay, found 'reorder 5%'"),
            ("gap 5", "netem's 'gap' needs 'reorder', found 'gap 5'"),
            ("rate 1mbit 14", "chaos cannot do netem's overhead of a rate, found '14'"),
            ("delay 1ms delay 2ms", "netem's 'delay' stands once, found 'delay 1ms delay 2ms'"),
            ("dellay 1ms", "netem has no such word, found 'dellay'\nhint: did you mean 'delay'?"),
        ])
    func mistakes(text: String, sentence: String) {
        #expect { try NetemText.parse(text) } throws: { "\($0)" == sentence }
    }
}
