import ChaosCore
import HeapModule

/// Something that is forgotten when nobody used it for a while.
protocol IdleItem: AnyObject {
    /// When it was last used.
    var usedAt: Instant { get }
    /// Whether it must stay although nobody uses it.
    var isBusy: Bool { get }
    /// Whether it is gone already.
    var isOver: Bool { get }
}

/// Finds what nobody used for a while. Using something costs nothing here: each item is looked at once
/// per time-out, and put back if it was used meanwhile.
struct IdleOrder<Item: IdleItem> {
    private struct Look: Comparable {
        let at: Instant
        let number: Int
        let item: Item

        static func == (left: Look, right: Look) -> Bool { left.number == right.number }

        static func < (left: Look, right: Look) -> Bool {
            left.at == right.at ? left.number < right.number : left.at < right.at
        }
    }

    let timeout: Duration
    private var looks = Heap<Look>()
    private var numberOfNext = 0

    /// - Parameter timeout: How long something may stay unused.
    init(timeout: Duration) { self.timeout = timeout }

    /// When to look again.
    var wakeAt: Instant { self.looks.min?.at ?? .never }

    mutating func insert(_ item: Item) { self.put(item, at: item.usedAt + self.timeout) }

    private mutating func put(_ item: Item, at instant: Instant) {
        self.looks.insert(Look(at: instant, number: self.numberOfNext, item: item))
        self.numberOfNext += 1
    }

    /// Takes out something that nobody has used for too long.
    mutating func popIdle(at now: Instant) -> Item? {
        while let look = self.looks.min, look.at <= now {
            self.looks.removeMin()
            if look.item.isOver { continue }
            let due = look.item.usedAt + self.timeout
            if due > now {
                self.put(look.item, at: due)
            } else if look.item.isBusy {
                self.put(look.item, at: now + self.timeout / 8)
            } else {
                return look.item
            }
        }
        return nil
    }

    /// Takes out what was not used for the longest time, whether that is long or not.
    mutating func popLeastRecentlyUsed() -> Item? {
        while let look = self.looks.popMin() {
            if look.item.isOver { continue }
            let due = look.item.usedAt + self.timeout
            if due <= look.at { return look.item }
            self.put(look.item, at: due)
        }
        return nil
    }
}
