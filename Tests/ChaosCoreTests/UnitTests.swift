import ChaosCore
import Testing

/// The sentence and the hint that an error shows.
func sentence<Value>(_ body: () throws(InputError) -> Value) -> String {
    do {
        _ = try body()
        return "no error"
    } catch { return error.description }
}

@Suite("Durations")
struct DurationTests {
    @Test(
        "are read and shown",
        arguments: [
            ("0", "0s"), ("0s", "0s"), ("100ms", "100ms"), ("1.5s", "1.5s"), ("90s", "90s"),
            ("60s", "1m"), ("2m", "2m"), ("0.5min", "30s"), ("1h", "1h"), ("1500ms", "1.5s"),
            ("1us", "1us"), ("1µs", "1us"), ("1μs", "1us"), ("10usec", "10us"), ("1ns", "1ns"),
            ("100msec", "100ms"), ("2secs", "2s"), ("10 ms", "10ms"), ("0.0005ms", "500ns"),
            ("1000000100ns", "1000000.1us"), ("3600000000.1us", "3600000000.1us"),
            ("9000.0000001s", "9000.0000001s"),
        ])
    func parse(text: String, shown: String) throws {
        let duration = try Duration(parsing: text)
        #expect(duration.text == shown)
        #expect(try Duration(parsing: shown) == duration)
    }

    @Test(
        "say what is wrong",
        arguments: [
            (
                "10",
                "a duration is a number with a unit (ns us ms s m h), found '10'\n"
                    + "hint: write '10ms' or '10s'"
            ),
            (
                "1.5",
                "a duration is a number with a unit (ns us ms s m h), found '1.5'\n"
                    + "hint: write '1.5ms' or '1.5s'"
            ),
            (
                "",
                "a duration is a number with a unit (ns us ms s m h), found ''\n"
                    + "hint: for example '100ms' or '2s'"
            ),
            (
                "-1s",
                "a duration is a number with a unit (ns us ms s m h), found '-1s'\n"
                    + "hint: for example '100ms' or '2s'"
            ),
            (
                "1:30",
                "a duration is a number with a unit (ns us ms s m h), found '1:30'\n"
                    + "hint: for example '100ms' or '2s'"
            ),
            (
                "5 parsecs",
                "a duration is a number with a unit (ns us ms s m h), found '5 parsecs'\n"
                    + "hint: for example '100ms' or '2s'"
            ),
            ("999999999h", "a duration is at most 292 years, found '999999999h'"),
        ])
    func mistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try Duration(parsing: text) } == expected)
    }

    @Test(
        "are rounded for people",
        arguments: [
            (1_234_567_890, "1.235s"), (1_234_567, "1.235ms"), (1234, "1.234us"),
            (-1_234_567, "-1.235ms"),
            (59_999_999_999, "1m"), (0, "0s"),
        ])
    func rounded(nanoseconds: Int, text: String) {
        #expect(Duration.nanoseconds(Int64(nanoseconds)).roundedText == text)
    }

    @Test func saturateInsteadOfOverflowing() {
        #expect(Duration(secondsComponent: .max, attosecondsComponent: 0).wholeNanoseconds == .max)
        #expect(Duration(secondsComponent: .min, attosecondsComponent: 0).wholeNanoseconds == .min)
        let edge = Duration(
            secondsComponent: 9_223_372_036, attosecondsComponent: 999_999_999_999_999_999)
        #expect(edge.wholeNanoseconds == .max)
        #expect(Instant.never + .seconds(1) == .never)
        #expect(Instant(nanoseconds: 5) - .nanoseconds(2) == Instant(nanoseconds: 3))
    }
}

@Suite("Ratios")
struct RatioTests {
    @Test(
        "are read and shown",
        arguments: [
            ("10%", "10%"), ("1/20", "5%"), ("0.05", "5%"), ("0", "0%"), ("0.0", "0%"),
            ("100%", "100%"),
            ("0.1%", "0.1%"), ("1/3", "33.3333333%"), ("10 %", "10%"), ("0/5", "0%"),
            ("1/1", "100%"),
            ("0.0000001%", "0.0000001%"),
        ])
    func parse(text: String, shown: String) throws {
        #expect(try Ratio(parsing: text).text == shown)
    }

    @Test(
        "do not guess",
        arguments: [
            (
                "10",
                "a ratio is written as '10%', '1/20' or '0.05', found '10'\nhint: write '10%' or '0.1'"
            ),
            (
                "1",
                "a ratio is written as '10%', '1/20' or '0.05', found '1'\nhint: write '1%' or '100%'"
            ),
            (
                "2.5",
                "a ratio is written as '10%', '1/20' or '0.05', found '2.5'\n"
                    + "hint: write '2.5%' or '0.025'"
            ),
            ("150", "a ratio is between 0% and 100%, found '150'"),
            ("101%", "a ratio is between 0% and 100%, found '101%'"),
            ("2/1", "a ratio is written as '10%', '1/20' or '0.05' between 0 and 1, found '2/1'"),
            ("1/0", "a ratio is written as '10%', '1/20' or '0.05' between 0 and 1, found '1/0'"),
            ("-1%", "a ratio is written as '10%', '1/20' or '0.05', found '-1%'"),
            ("5ms", "a ratio is written as '10%', '1/20' or '0.05', found '5ms'"),
        ])
    func mistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try Ratio(parsing: text) } == expected)
    }

    @Test func decideAtTheirEnds() {
        #expect(!Ratio.zero.isHit(by: 0) && !Ratio.zero.isHit(by: .max))
        #expect(Ratio.one.isHit(by: 0) && Ratio.one.isHit(by: .max))
        let half = Ratio(percent: 50)
        #expect(half.isHit(by: 0x7fff_ffff) && !half.isHit(by: 0x8000_0000))
        #expect(half.scaled32 == 0x8000_0000 && Ratio.one.scaled32 == .max)
    }

    @Test func takeTheirShare() {
        #expect(Ratio(percent: 30).of(10) == 3)
        #expect(Ratio.one.of(.max) == .max)
        #expect(Ratio(billionths: 1).of(999_999_999) == 0)
    }
}

@Suite("Bandwidths")
struct BandwidthTests {
    @Test(
        "are read and shown",
        arguments: [
            ("1mbit", "1mbit"), ("20Mbit/s", "20mbit"), ("500kB/s", "4mbit"),
            ("1MiB/s", "8388.608kbit"),
            ("1.5gbit", "1.5gbit"), ("1B/s", "8bit"), ("1kbit", "1kbit"), ("64bit/s", "64bit"),
            ("1KB/s", "8kbit"), ("1GiB/s", "8589934.592kbit"),
            ("9000.0000011gbit", "9000.0000011gbit"),
        ])
    func parse(text: String, shown: String) throws {
        let bandwidth = try Bandwidth(parsing: text)
        #expect(bandwidth.text == shown)
        #expect(try Bandwidth(parsing: shown) == bandwidth)
    }

    @Test(
        "do not guess",
        arguments: [
            (
                "10mbps",
                "'mbps' means bits to most tools and bytes to tc, found '10mbps'\n"
                    + "hint: write '10mbit' for bits or '10MB/s' for bytes"
            ),
            (
                "10Kbps",
                "'Kbps' means bits to most tools and bytes to tc, found '10Kbps'\n"
                    + "hint: write '10kbit' for bits or '10kB/s' for bytes"
            ),
            (
                "1Gbps",
                "'Gbps' means bits to most tools and bytes to tc, found '1Gbps'\n"
                    + "hint: write '1gbit' for bits or '1GB/s' for bytes"
            ),
            (
                "9600bps",
                "'bps' means bits to most tools and bytes to tc, found '9600bps'\n"
                    + "hint: write '9600bit' for bits or '9600B/s' for bytes"
            ),
            (
                "10",
                "a bandwidth is a number with a unit (kbit mbit gbit kB/s MB/s KiB/s MiB/s), found '10'\n"
                    + "hint: write '10kbit' or '10kB/s'"
            ),
            (
                "10MB",
                "a bandwidth is a number with a unit (kbit mbit gbit kB/s MB/s KiB/s MiB/s), "
                    + "found '10MB'\nhint: for example '10mbit' or '500kB/s'"
            ),
            ("0mbit", "a bandwidth is at least 1B/s and at most 9 exabits, found '0mbit'"),
            (
                "fast",
                "a bandwidth is a number with a unit (kbit mbit gbit kB/s MB/s KiB/s MiB/s), "
                    + "found 'fast'\nhint: for example '10mbit' or '500kB/s'"
            ),
        ])
    func mistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try Bandwidth(parsing: text) } == expected)
    }

    @Test func tellHowLongBytesTakeAndHowManyPass() {
        let megabit = Bandwidth(bitsPerSecond: 1_000_000)
        #expect(megabit.nanoseconds(forBytes: 125_000) == 1_000_000_000)
        #expect(megabit.nanoseconds(forBytes: 1) == 8000)
        #expect(Bandwidth(bitsPerSecond: 3_000_000_000).nanoseconds(forBytes: 1) == 3)
        #expect(megabit.bytes(inNanoseconds: 1_000_000_000) == 125_000)
        #expect(megabit.bytes(inNanoseconds: 7999) == 0)
        #expect(megabit.nanoseconds(forBytes: 0) == 0)
    }

    @Test func neverOverflow() {
        #expect(Bandwidth(bitsPerSecond: 8).nanoseconds(forBytes: .max) == .max)
        #expect(Bandwidth(bitsPerSecond: .max).nanoseconds(forBytes: .max) == 8_000_000_000)
        #expect(Bandwidth(bitsPerSecond: .max).bytes(inNanoseconds: .max) == .max)
        #expect(Bandwidth(bitsPerSecond: 1).bitsPerSecond == 8)
    }
}

@Suite("Sizes and rates")
struct SizeTests {
    @Test(
        "are read and shown",
        arguments: [
            ("100B", "100B"), ("64KiB", "64KiB"), ("16MiB", "16MiB"), ("1GiB", "1GiB"),
            ("1kB", "1000B"), ("31GB", "31GB"), ("31.000000001GB", "31.000000001GB"),
            ("1.5KiB", "1536B"), ("2048B", "2KiB"), ("1MB", "1000000B"), ("0B", "0B"),
        ])
    func parse(text: String, shown: String) throws {
        let size = try ByteCount(parsing: text)
        #expect(size.text == shown)
        #expect(try ByteCount(parsing: shown) == size)
    }

    @Test(
        "say what is wrong",
        arguments: [
            (
                "100",
                "a size is a number with a unit (B kB MB GB KiB MiB GiB), found '100'\n"
                    + "hint: write '100B' or '100KiB'"
            ),
            (
                "100k",
                "a size is a number with a unit (B kB MB GB KiB MiB GiB), found '100k'\n"
                    + "hint: for example '64KiB'"
            ),
            ("9999999GiB", "a size is at most 1 PiB, found '9999999GiB'"),
        ])
    func mistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try ByteCount(parsing: text) } == expected)
    }

    @Test func areRoundedForPeople() {
        #expect(ByteCount(999).roundedText == "999 B")
        #expect(ByteCount(1_440_000).roundedText == "1.4 MB")
        #expect(ByteCount(2000).roundedText == "2 kB")
    }

    @Test func ratesCountEvents() throws {
        #expect(try EventRate(parsing: "100/s").meanInterval == 10_000_000)
        #expect(try EventRate(parsing: "90/m").text == "1.5/s")
        #expect(try EventRate(parsing: "0.5/s").meanInterval == 2_000_000_000)
        #expect(
            sentence { () throws(InputError) in try EventRate(parsing: "100") }
                == "a rate is a number of events per second or minute, found '100'\n"
                + "hint: write '100/s'")
        #expect(
            sentence { () throws(InputError) in try EventRate(parsing: "0/s") }
                == "a rate is more than 0 and at most 9 billion, found '0/s'")
    }

    @Test(
        "addresses are read and shown",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:5432", "[::1]:5432"),
            ("localhost:0", "localhost:0"),
            ("unix:/tmp/x y", "unix:/tmp/x y"),
        ])
    func endpoints(text: String, shown: String) throws {
        #expect(try Endpoint(parsing: text).description == shown)
    }

    @Test(
        "addresses say what is wrong",
        arguments: [
            (
                "localhost",
                "an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found 'localhost'\n"
                    + "hint: for example '127.0.0.1:5432'"
            ),
            (
                "::1:80",
                "an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found '::1:80'\n"
                    + "hint: write '[::1]:80'"
            ),
            (
                ":80",
                "an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found ':80'\n"
                    + "hint: write '127.0.0.1:80'"
            ),
            (
                "a:65536",
                "an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found 'a:65536'\n"
                    + "hint: for example '127.0.0.1:5432'"
            ),
            ("unix:", "an address is HOST:PORT, [IPv6]:PORT or unix:PATH, found 'unix:'"),
        ])
    func endpointMistakes(text: String, expected: String) {
        #expect(sentence { () throws(InputError) in try Endpoint(parsing: text) } == expected)
    }
}
