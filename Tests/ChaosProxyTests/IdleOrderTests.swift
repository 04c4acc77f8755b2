import ChaosCore
import Testing

@testable import ChaosProxy

@Suite("Who was not used for a while")
struct IdleOrderTests {
    private final class Item: IdleItem {
        let name: String
        var usedAt: Instant
        var isBusy = false
        var isOver = false

        init(_ name: String, at milliseconds: Int) {
            self.name = name
            self.usedAt = Self.instant(milliseconds)
        }

        static func instant(_ milliseconds: Int) -> Instant {
            Instant(nanoseconds: Int64(milliseconds) * 1_000_000)
        }
    }

    private func idle(_ order: inout IdleOrder<Item>, at milliseconds: Int) -> [String] {
        var names: [String] = []
        while let item = order.popIdle(at: Item.instant(milliseconds)) { names.append(item.name) }
        return names
    }

    @Test func isForgottenWhenItsTimeIsOverAndNotBefore() {
        var order = IdleOrder<Item>(timeout: .milliseconds(100))
        let (a, b) = (Item("a", at: 0), Item("b", at: 30))
        order.insert(a)
        order.insert(b)
        #expect(self.idle(&order, at: 99).isEmpty)
        #expect(order.wakeAt == Item.instant(100))
        // Used meanwhile: its time begins again.
        b.usedAt = Item.instant(90)
        #expect(self.idle(&order, at: 100) == ["a"])
        #expect(self.idle(&order, at: 189).isEmpty)
        #expect(order.wakeAt == Item.instant(190))
        #expect(self.idle(&order, at: 190) == ["b"])
        #expect(order.wakeAt == .never)
    }

    @Test func whatIsBusyStays() {
        var order = IdleOrder<Item>(timeout: .milliseconds(80))
        let item = Item("a", at: 0)
        item.isBusy = true
        order.insert(item)
        #expect(self.idle(&order, at: 80).isEmpty)
        item.isBusy = false
        #expect(self.idle(&order, at: 89).isEmpty)
        #expect(self.idle(&order, at: 90) == ["a"])
    }

    @Test func whatIsOverIsForgottenSilently() {
        var order = IdleOrder<Item>(timeout: .milliseconds(80))
        let item = Item("a", at: 0)
        order.insert(item)
        item.isOver = true
        #expect(self.idle(&order, at: 80).isEmpty)
        #expect(order.wakeAt == .never)
    }

    @Test func theLeastRecentlyUsedGoesFirst() {
        var order = IdleOrder<Item>(timeout: .milliseconds(100))
        let items = (0..<5).map { Item("\($0)", at: $0) }
        for item in items { order.insert(item) }
        items[0].usedAt = Item.instant(50)
        items[2].usedAt = Item.instant(40)
        items[4].isOver = true
        var names: [String] = []
        while let item = order.popLeastRecentlyUsed() { names.append(item.name) }
        #expect(names == ["1", "3", "2", "0"])
    }

    /// Thousands of items, used at random: each goes exactly when its time is over.
    @Test(arguments: 1...5)
    func everyoneGoesInTime(seed: UInt64) {
        var random = Seed(seed).generator
        var order = IdleOrder<Item>(timeout: .milliseconds(100))
        let items = (0..<2000).map { Item("\($0)", at: 0) }
        for item in items { order.insert(item) }
        for now in 1...1000 {
            for _ in 0..<20 {
                let item = items[random.next(below: items.count)]
                if !item.isOver { item.usedAt = Item.instant(now) }
            }
            while let item = order.popIdle(at: Item.instant(now)) {
                #expect(item.usedAt == Item.instant(now - 100))
                item.isOver = true
            }
        }
        for item in items where !item.isOver { #expect(item.usedAt > Item.instant(900)) }
    }
}
