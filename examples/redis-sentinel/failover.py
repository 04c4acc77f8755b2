#!/usr/bin/env python3
"""Cuts a redis primary and its sentinel off the others while clients write on both sides, and heals.

It runs beside the cluster, as `chaos run redis-sentinel.yaml -- ./failover.py`, and the same with
redis-sentinel-bounded.yaml. Every write is reported to chaos, whose check `set-full` says in the end
which of the acknowledged ones are lost.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import DEADLINE, History, Writers, address, chaos, must, say, tell, title, until
from resp import Redis

SERVERS, SENTINELS = ["r1", "r2", "r3"], ["s1", "s2", "s3"]


class Node:
    """A connection to one node, made again after it broke: who is demoted closes all of them."""

    def __init__(self, node: str) -> None:
        self.node, self.redis = node, None

    def __call__(self, *words):
        try:
            self.redis = self.redis or Redis(address(self.node), DEADLINE)
            return self.redis(*words)
        except OSError:
            self.redis = None
            raise


class Cluster:
    def __init__(self) -> None:
        self.nodes = {node: Node(node) for node in SERVERS + SENTINELS}
        # How servers know each other need not be how clients find them: everybody tells who he is.
        self.names = {}
        for node in SERVERS:
            info = self.nodes[node]("INFO", "server")
            self.names[info.split("run_id:")[1].split()[0]] = node
        # Where sentinels find the primaries that they have told of.
        self.places = {}
        # The writers have connections of their own: one reply at a time.
        self.clients = {node: Node(node) for node in SERVERS}

    def add(self, node: str, value: int) -> None:
        self.clients[node]("SADD", "numbers", value)

    def numbers(self, node: str) -> list:
        return sorted(int(text) for text in self.nodes[node]("SMEMBERS", "numbers"))

    def role(self, node: str) -> str:
        return self.nodes[node]("ROLE")[0]

    def primary(self, sentinel: str) -> str:
        """Whom a sentinel holds for the primary; '' while it has not asked who that is."""
        found = self.state(sentinel)
        self.places[f"{found['ip']}:{found['port']}"] = self.names.get(found["runid"], "")
        return self.names.get(found["runid"], "")

    def knows_all(self, sentinel: str) -> bool:
        found = self.state(sentinel)
        return found["num-other-sentinels"] == "2" and found["num-slaves"] == "2"

    def state(self, sentinel: str) -> dict:
        """What a sentinel tells of the primary."""
        reply = self.nodes[sentinel]("SENTINEL", "MASTER", "example")
        return dict(zip(reply[::2], reply[1::2]))

    def successor(self) -> str:
        """Whom the sentinels of the majority have made the primary, once it is one."""
        found = {self.primary("s2"), self.primary("s3")}
        if len(found) != 1 or found <= {"r1", ""}:
            return ""
        name = found.pop()
        return name if self.role(name) == "master" else ""

    def follows(self, node: str, primary: str) -> bool:
        """Whether a server replicates another one, and is up to date."""
        reply = self.nodes[node]("ROLE")
        return (
            reply[0] == "slave" and self.places.get(f"{reply[1]}:{reply[2]}") == primary
            and reply[3] == "connected"
        )


def healthy(cluster: Cluster, history: History) -> Writers:
    """Waits until everybody knows everybody, and writes at r1 from then on."""
    title("healthy")
    for sentinel in SENTINELS:
        until(f"{sentinel} knows all", lambda: cluster.knows_all(sentinel))
    writer = Writers(history, ["r1"], cluster.add)
    writer.await_more("r1", 20)
    say("r1 is the primary, all sentinels know each other, r2 and r3 follow")
    return writer


def last_reads(
    cluster: Cluster, history: History, new: str, writers: "tuple[Writers, Writers]", begin: float, since: str
) -> None:
    """Waits until all follow the new primary, and tells what is lost of what was written at r1 and at it."""
    for node in SERVERS:
        if node != new:
            until(f"{node} follows {new}", lambda: cluster.follows(node, new))
    say(f"r1 and the others follow {new}, {time.monotonic() - begin:.1f} s after {since}")
    for writer in writers:
        writer.stop()
    primary = cluster.nodes[new]
    primary("SET", "barrier", 1)
    must(primary("WAIT", 2, DEADLINE * 1000) == 2, f"both have everything that {new} has")
    for node in SERVERS:
        end = history.record(9, node, "read", None, lambda: cluster.numbers(node), final=True)
        must(end == "ok", f"{node} answers the last read, found '{end}'")

    title("the window of lost writes")
    old, other = writers
    kept = set(cluster.numbers(new))
    lost = [time for time, value in old.acknowledgements["r1"] if value not in kept]
    must(lost, "r1 has acknowledged writes that are gone, found none")
    must(not [v for _, v in other.acknowledgements[new] if v not in kept], f"{new} keeps its own")
    say(f"r1 has acknowledged {len(lost)} writes that nobody has any more")
    say(f"they were acknowledged {lost[0] - begin:.1f} to {lost[-1] - begin:.1f} s after {since}")


def story() -> None:
    cluster, history = Cluster(), History()
    writer = healthy(cluster, history)

    title("r1 and its sentinel are cut off, with a client on their side")
    cut = time.monotonic()
    chaos("partition", "r1 s1 / r2 r3 s2 s3")
    new = until("the majority makes another server the primary", cluster.successor)
    say(f"s2 and s3 have made {new} the primary, {time.monotonic() - cut:.1f} s after the cut")
    other = Writers(history, [new], cluster.add, first=1_000_000)
    other.await_more(new, 20)
    must(cluster.primary("s1") == "r1", f"s1 stays with r1, found {cluster.primary('s1')}")
    must(cluster.role("r1") == "master", f"r1 stays the primary, found {cluster.role('r1')}")
    say(f"s1 says that r1 is the primary, s2 and s3 say {new}; so do both servers")

    title("healed")
    chaos("heal")
    last_reads(cluster, history, new, (writer, other), cut, "the cut")


if __name__ == "__main__":
    sys.exit(tell("redis-sentinel", story))
