#!/usr/bin/env python3
"""Cuts a redis primary off its replicas, heals, and says what redis does about it.

It runs beside the cluster, as `chaos run redis-replication.yaml -- ./watch.py`, and cuts with the
same commands that a person types in another terminal. It waits for events, never for luck: every
wait has a deadline, and one that is not met ends in a sentence and exit code 1.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import address, chaos, must, say, tell, title
from resp import Redis

NODES = ["n1", "n2", "n3"]
DEADLINE = 30  # seconds that redis may take for anything


class Cluster:
    """Every node as clients see it: at the address that chaos gives in CHAOS_PEER_<NODE>_MAIN."""

    def __init__(self) -> None:
        self.nodes = {n: Redis(address(n), timeout=DEADLINE + 5) for n in NODES}
        self.primary, self.replicas = self.nodes["n1"], NODES[1:]
        self.written = 0

    def give_up_after(self, seconds: int) -> None:
        """Sets after how much silence redis gives a connection of its replication up."""
        for redis in self.nodes.values():
            redis("CONFIG", "SET", "repl-timeout", seconds)
        say(f"repl-timeout: {seconds} s")

    def write(self, count: int) -> None:
        for number in range(self.written, self.written + count):
            self.primary("SET", f"key:{number}", f"value of {number}")
        self.written += count

    def wait(self, milliseconds: int) -> int:
        """How many replicas have everything that this client wrote, by redis's own count."""
        return self.primary("WAIT", 2, milliseconds)

    def expect_acknowledgements(self, number: int, milliseconds: int) -> None:
        found = self.wait(milliseconds)
        say(f"WAIT 2 {milliseconds} -> {found}")
        must(found == number, f"WAIT says {number} of 2 replicas, found {found}")

    def link(self, node: str) -> str:
        return self.nodes[node].info("replication").get("master_link_status", "none")

    def links(self) -> str:
        return ", ".join(f"{n} {self.link(n)}" for n in self.replicas)

    def expect_links(self, **wanted: str) -> None:
        say(f"master_link_status: {self.links()}; keys: {self.sizes()}")
        for node, status in wanted.items():
            found = self.link(node)
            must(found == status, f"{node}: master_link_status is '{status}', found '{found}'")

    def await_links(self, status: str, *nodes: str) -> None:
        """Waits until all these replicas say so."""
        begin = time.monotonic()
        for node in nodes:
            while self.link(node) != status:
                late = time.monotonic() - begin > DEADLINE
                must(not late, f"{node}: master_link_status is '{status}' within {DEADLINE} s")
                time.sleep(0.02)
        names = " and ".join(nodes)
        verb = "says" if len(nodes) == 1 else "say"
        say(f"{names} {verb} '{status}' after {time.monotonic() - begin:.1f} s")

    def sizes(self) -> str:
        return ", ".join(f"{name} {node('DBSIZE')}" for name, node in self.nodes.items())

    def resyncs(self) -> tuple[int, int]:
        """How often replicas fetched everything, and how often only what they had missed."""
        stats = self.primary.info("stats")
        return int(stats["sync_full"]), int(stats["sync_partial_ok"])

    def contents(self, node: str) -> dict:
        redis = self.nodes[node]
        keys = redis("KEYS", "*")
        return dict(zip(keys, redis("MGET", *keys))) if keys else {}

    def expect_equal(self) -> None:
        """All keys and values of all replicas are the primary's, and none of the writes is missing."""
        wanted = self.contents("n1")
        for node in self.replicas:
            found = self.contents(node)
            wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
            must(not wrong, f"{node}: equal to the primary, found {len(wrong)} keys that differ")
        must(len(wanted) == self.written, f"n1: {self.written} keys, found {len(wanted)}")
        say(f"all {len(wanted)} keys and values are equal on {', '.join(NODES)}")


def healthy(cluster: Cluster) -> None:
    title("healthy")
    for node, redis in cluster.nodes.items():
        role = redis("ROLE")[0]
        wanted = "master" if node == "n1" else "slave"
        must(role == wanted, f"{node}: its role is '{wanted}', found '{role}'")
    replication = cluster.primary.info("replication")
    for key in sorted(key for key in replication if key.startswith("slave")):
        say(f"n1 sees {key}: {replication[key]}")
    cluster.write(100)
    cluster.expect_acknowledgements(2, DEADLINE * 1000)
    cluster.expect_links(n2="up", n3="up")


def short_silence(cluster: Cluster) -> None:
    title("a silence shorter than repl-timeout: nobody notices, and TCP repairs it")
    cluster.give_up_after(60)
    chaos("partition", "n1 / n2", "--for", "5s")
    cluster.write(100)
    cluster.expect_acknowledgements(1, 300)
    cluster.expect_links(n2="up", n3="up")
    begin = time.monotonic()
    cluster.expect_acknowledgements(2, DEADLINE * 1000)
    say(f"n2 has caught up, {time.monotonic() - begin:.1f} s later")
    cluster.expect_links(n2="up", n3="up")
    cluster.expect_equal()


def long_silence(cluster: Cluster) -> None:
    title("a silence longer than repl-timeout: both ends give the connection up")
    cluster.give_up_after(5)
    full, partial = cluster.resyncs()
    chaos("partition", "n1 / n2")
    cluster.write(100)
    cluster.expect_acknowledgements(1, 300)
    cluster.expect_links(n3="up")
    cluster.await_links("down", "n2")
    cluster.expect_links(n2="down", n3="up")
    chaos("heal")
    recover(cluster, full, partial, "n2")
    cluster.give_up_after(60)


def rejection(cluster: Cluster) -> None:
    title("a rejection: connections are reset and refused, and both replicas know at once")
    full, partial = cluster.resyncs()
    chaos("partition", "n1 / n2 n3", "--mode", "reject")
    cluster.write(100)
    cluster.await_links("down", "n2", "n3")
    cluster.expect_acknowledgements(0, 300)
    cluster.expect_links(n2="down", n3="down")
    chaos("heal")
    recover(cluster, full, partial, "n2", "n3")


def recover(cluster: Cluster, full: int, partial: int, *nodes: str) -> None:
    cluster.await_links("up", *nodes)
    cluster.expect_acknowledgements(2, DEADLINE * 1000)
    now_full, now_partial = cluster.resyncs()
    say(f"resyncs since the cut: {now_full - full} full, {now_partial - partial} partial")
    must(now_full == full, "replicas fetch only what they missed, found a full resync")
    cluster.expect_equal()


def story() -> None:
    cluster = Cluster()
    for step in (healthy, short_silence, long_silence, rejection):
        step(cluster)
    print("\nas it must be: nothing was lost, and everybody agrees", flush=True)


if __name__ == "__main__":
    sys.exit(tell("redis-replication", story))
