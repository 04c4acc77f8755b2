#!/usr/bin/env python3
"""Reads, writes and swaps registers in an etcd cluster, at every member, while a nemesis cuts it.

It runs beside the cluster, as `chaos run registers.yaml -- ./registers.py`. What every client asks and
what it is answered is reported to chaos, whose check `linearizable` says whether the members behaved
as one register each. With --alone clients read what a member knows by itself, and that is not so.
"""

import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import History, Refused, must, say, tell
from etcd import Member

NODES = ["n1", "n2", "n3"]
CLIENTS = 6
LENGTH = 16  # seconds
PATIENCE = 1  # seconds that a client waits for an answer


class Clients:
    """Each has a member of its own, and all work on the same few registers."""

    def __init__(self, reads_alone: bool) -> None:
        self.history, self.reads_alone = History(), reads_alone
        self.counts = {"ok": 0, "fail": 0, "info": 0}
        self.begin, self.failure = time.monotonic(), None
        threads = [threading.Thread(target=self._work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        must(self.failure is None, f"a client failed: {self.failure!r}")

    def _work(self, number: int) -> None:
        member, dice = Member(NODES[number % len(NODES)]), random.Random(number)
        try:
            while (elapsed := time.monotonic() - self.begin) < LENGTH:
                # A new register each second: the fewer operations on one, the faster the check.
                self.counts[self._step(number, member, f"r{int(elapsed)}", dice)] += 1
                time.sleep(0.05)
        except Exception as error:  # a mistake in the example: told in the end
            self.failure = error

    def _step(self, number: int, member: Member, key: str, dice: random.Random) -> str:
        def record(f: str, value, do) -> str:
            return self.history.record(number, member.node, f, [key, value], do)

        choice, old, new = dice.random(), str(dice.randrange(5)), str(dice.randrange(5))
        if choice < 0.5:
            return record(
                "read", None, lambda: [key, member.get(key, self.reads_alone, PATIENCE)])
        if choice < 0.8:
            return record("write", new, lambda: member.put(key, new, PATIENCE))

        def swap() -> None:
            if not member.swap(key, old, new, PATIENCE):
                raise Refused("it has another value")

        return record("cas", [old, new], swap)


def story() -> None:
    clients = Clients("--alone" in sys.argv)
    counts = clients.counts
    say(f"operations: {counts['ok']} done, {counts['fail']} not, {counts['info']} unknown")


if __name__ == "__main__":
    sys.exit(tell("registers", story))
