import ChaosCore

/// Who lives, as far as one node knows: of every member its life and the newest heartbeat of it that anybody heard.
///
/// Only a member itself makes its heartbeat grow. So news that are older than what is known say nothing, however often they are told; and of
/// one that is dead, the last heartbeat is kept for a while (a tombstone), so that those who have not noticed yet do not bring it back.
struct MemberTable: Sendable {
    struct Member: Hashable, Sendable {
        var life: Int64
        var heartbeat: Int64
        /// When it was heard of last, as time of this node.
        var heardAt: Duration
        var isAlive = true
    }

    private let id: String
    private let believesHearsay: Bool
    private(set) var members: [String: Member]

    init(id: String, life: Int64, believesHearsay: Bool, at now: Duration) {
        self.id = id
        self.believesHearsay = believesHearsay
        self.members = [id: Member(life: life, heartbeat: 0, heardAt: now)]
    }

    /// The names of those that live, the node itself too, in order.
    var living: [String] { self.members.filter(\.value.isAlive).keys.sorted() }

    /// Takes in what somebody said of a member.
    mutating func merge(_ name: String, life: Int64, heartbeat: Int64, at now: Duration) {
        if name == self.id { return }
        guard let known = self.members[name] else {
            self.members[name] = Member(life: life, heartbeat: heartbeat, heardAt: now)
            return
        }
        let isNews = (life, heartbeat) > (known.life, known.heartbeat)
        if isNews {
            self.members[name]?.life = life
            self.members[name]?.heartbeat = heartbeat
        }
        if isNews || self.believesHearsay {
            self.members[name]?.heardAt = now
            self.members[name]?.isAlive = true
        }
    }

    /// Lets the node's own heart beat, and finds out who has died.
    mutating func beat(at now: Duration) {
        self.members[self.id]?.heartbeat += 1
        self.members[self.id]?.heardAt = now
        for (name, member) in self.members where name != self.id {
            let silence = now - member.heardAt
            if silence > GossipMembership.patience { self.members[name]?.isAlive = false }
            if silence > GossipMembership.tombstone { self.members[name] = nil }
        }
    }

    /// What is told to others.
    var gossip: JSONValue {
        .array(
            self.living.compactMap { name in
                self.members[name].map {
                    [.string(name), .int($0.life), .int($0.heartbeat)]
                }
            })
    }
}
