#!/usr/bin/env python3
"""Isolates the leader of an etcd cluster in three ways while clients write, and heals.

It runs beside the cluster, as `chaos run etcd.yaml -- ./isolate.py`. Every write is reported to
chaos, whose check `set-full` says in the end whether what was acknowledged is there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import Broken, History, Refused, Writers, chaos, must, say, tell, title, until
from etcd import Member

NODES = ["n1", "n2", "n3"]
PREFIX = "set/"


class Cluster:
    def __init__(self) -> None:
        self.members = {node: Member(node) for node in NODES}
        self.names = {member.status()["id"]: node for node, member in self.members.items()}

    def leader(self, nodes: list) -> tuple:
        """The leader in whom all these nodes believe and the term, or nothing."""
        seen = {(s["leader"], s["term"]) for s in (self.members[n].status() for n in nodes)}
        if len(seen) != 1:
            return ()
        leader, term = seen.pop()
        return (self.names[leader], term) if leader in self.names else ()

    def await_leader(self, nodes: list) -> tuple:
        return until(f"{' and '.join(nodes)} agree on a leader", lambda: self.leader(nodes))

    def add(self, node: str, value: int) -> None:
        self.members[node].put(f"{PREFIX}{value}", "x", timeout=2)

    def numbers(self, node: str) -> list:
        return [int(key[len(PREFIX):]) for key in self.members[node].keys(PREFIX)]


def isolate(cluster: Cluster, writers: Writers, name: str, cut) -> None:
    title(name)
    old, term = cluster.await_leader(NODES)
    others = [node for node in NODES if node != old]
    say(f"{old} leads in term {term}")
    chaos(*cut(old, " ".join(others)))

    def successor():
        found = cluster.leader(others)
        return found if found and found[0] != old else ()

    new, term = until("the others elect one of themselves", successor)
    say(f"{new} leads in term {term}, elected by {' and '.join(others)}")
    writers.await_more(new)
    say(f"{new} goes on acknowledging writes")
    must_refuse(old, "a linearizable read", lambda: cluster.numbers(old))
    must_refuse(old, "a write", lambda: cluster.members[old].put("probe", "x"))
    stale = len(cluster.members[old].keys(PREFIX, alone=True))
    fresh = len(cluster.numbers(new))
    say(f"a serializable read is answered by {old} alone: {stale} keys, {new} has {fresh}")
    must(stale < fresh, f"{old} is behind, found {stale} keys of {fresh}")
    chaos("heal")
    leader, term = cluster.await_leader(NODES)
    say(f"all agree again: {leader} leads in term {term}")
    writers.await_more(old)
    say(f"{old} acknowledges writes again")


def must_refuse(node: str, what: str, do) -> None:
    try:
        do()
    except (Refused, OSError) as error:
        must("etcdserver:" in str(error), f"{node} itself refuses {what}, found '{error}'")
        say(f"{node} refuses {what}: {error}")
        return
    raise Broken(f"{node} must refuse {what} while it is cut off, but answered")


def story() -> None:
    cluster, history = Cluster(), History()
    writers = Writers(history, NODES, cluster.add)
    for node in NODES:
        writers.await_more(node)
    isolate(
        cluster, writers, "the leader is cut off, both ways",
        lambda leader, others: ("isolate", leader))
    isolate(
        cluster, writers, "what the leader sends is lost; it still hears the others",
        lambda leader, others: ("partition", f"{leader} -> {others}"))
    isolate(
        cluster, writers, "what the others send to the leader is lost; they still hear it",
        lambda leader, others: ("partition", f"{others} -> {leader}"))
    title("in the end")
    writers.stop()
    reader = 9
    for node in NODES:
        # Where packets are lost a member may miss its own deadline. A read has changed nothing, so somebody
        # else may ask again; whoever got no answer asks nothing more.
        for _ in range(5):
            end = history.record(
                reader, node, "read", None, lambda: cluster.numbers(node), final=True)
            if end == "ok":
                break
            reader += 1
        must(end == "ok", f"{node} answers the last read, found '{end}'")
    say("every member has told all that it knows; chaos compares it with what was acknowledged")


if __name__ == "__main__":
    sys.exit(tell("etcd", story))
