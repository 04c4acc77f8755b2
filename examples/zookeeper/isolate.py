#!/usr/bin/env python3
"""Cuts the leader of a ZooKeeper ensemble off while clients write at every server, and heals.

It runs beside the ensemble, as `chaos run lab.yaml -- ./isolate.py`. Every write is reported to chaos,
whose check `set-full` says in the end whether everything that was acknowledged is there.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import History, Writers, chaos, must, say, tell, title, until
from zookeeper import Session, mode

NODES = ["z1", "z2", "z3"]


class Ensemble:
    def __init__(self) -> None:
        self.sessions = {}
        until("the ensemble takes a write", lambda: self.create("z1", "/numbers") or True)

    def create(self, node: str, path: str) -> None:
        """Makes a node, in the session with that server or in a new one."""
        try:
            if node not in self.sessions:
                self.sessions[node] = Session(node, timeout=4)
            self.sessions[node].create(path)
        except OSError:
            if node in self.sessions:
                self.sessions.pop(node).close()
            raise

    def add(self, node: str, value: int) -> None:
        self.create(node, f"/numbers/{value}")

    def numbers(self, node: str) -> list:
        session = Session(node, timeout=4)
        try:
            return [int(name) for name in session.children("/numbers")]
        finally:
            session.close()

    def leader(self, among: list) -> str:
        return next((node for node in among if mode(node) == "leader"), "")


def story() -> None:
    ensemble, history = Ensemble(), History()
    title("healthy")
    old = until("somebody leads", lambda: ensemble.leader(NODES))
    others = [node for node in NODES if node != old]
    writers = Writers(history, NODES, ensemble.add)
    for node in NODES:
        writers.await_more(node)
    say(f"{old} leads, and writes are acknowledged everywhere")

    title("the leader is cut off")
    chaos("isolate", old)
    new = until("the others elect a leader", lambda: ensemble.leader(others))
    say(f"{new} leads now")
    for node in others:
        writers.await_more(node)
    until(f"{old} serves nobody any more", lambda: mode(old) == "")
    say(f"{old} knows that it leads nobody, and serves nobody")
    before = writers.acknowledged(old)
    writers.await_more(new, 10)
    found = writers.acknowledged(old)
    must(found == before, f"{old} acknowledges nothing meanwhile, found {found - before}")
    say(f"writes at {new} are acknowledged, and none at {old}")

    title("healed")
    chaos("heal")
    until(f"{old} follows", lambda: mode(old) == "follower")
    writers.await_more(old)
    say(f"{old} follows, and acknowledges writes again")
    writers.stop()
    for node in NODES:
        end = history.record(
            len(NODES) + NODES.index(node), node, "read", None,
            lambda: until(f"{node} answers", lambda: ensemble.numbers(node)), final=True)
        must(end == "ok", f"{node} answers the last read, found '{end}'")


if __name__ == "__main__":
    sys.exit(tell("lab", story))
