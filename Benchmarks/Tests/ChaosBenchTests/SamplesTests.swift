import Testing

@testable import chaos_bench

@Suite("What is made of samples")
struct SamplesTests {
    @Test func percentilesAreTimesThatOccurred() {
        let times = Percentiles((1...100).reversed().map { UInt64($0) * 1000 })
        #expect(times.microseconds(0) == 1)
        #expect(times.microseconds(0.5) == 50)
        #expect(times.microseconds(0.99) == 99)
        #expect(times.microseconds(1) == 100)
        #expect(Percentiles([]).microseconds(0.5).isNaN)
    }

    @Test func aSpreadHasTheMedianOfEvenAndOddCounts() throws {
        let odd = try #require(Spread([3, 1, 2]))
        #expect((odd.median, odd.least, odd.greatest) == (2, 1, 3))
        let even = try #require(Spread([4, 1, 2, 3]))
        #expect(even.median == 2.5)
        #expect(Spread([]) == nil)
    }

    @Test func aRatioComparesWithinOneRepeat() throws {
        var samples = Samples()
        // The machine is half as fast in the second repeat; the ratio does not see it.
        for (index, speed) in [10.0, 5.0].enumerated() {
            samples.note(speed, .throughput1, .haproxy, repeat: index)
            samples.note(speed * 1.5, .throughput1, .chaos, repeat: index)
        }
        let ratio = try #require(samples.ratio(.throughput1, .chaos))
        #expect((ratio.median, ratio.least, ratio.greatest) == (1.5, 1.5, 1.5))
    }

    @Test func aFailedMeasurementShiftsNoOther() throws {
        var samples = Samples()
        samples.note(10, .connects, .haproxy, repeat: 0)
        samples.note(20, .connects, .haproxy, repeat: 1)
        samples.note(10, .connects, .chaos, repeat: 1)
        #expect(samples.series(.connects, .chaos) == [nil, 10])
        #expect(try #require(samples.ratio(.connects, .chaos)).median == 0.5)
    }

    @Test func addedRoundTripsAreThoseAboveDirect() {
        var samples = Samples()
        samples.note(50, .roundTrip1Median, .direct, repeat: 0)
        samples.note(80, .roundTrip1Median, .chaos, repeat: 0)
        samples.derive()
        #expect(samples.series(.addedRoundTrip1, .chaos) == [30])
        #expect(samples.series(.addedRoundTrip1, .direct).isEmpty)
    }
}
