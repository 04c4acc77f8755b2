#!/usr/bin/env python3
"""Takes the sentinels' PINGs to a redis primary away, and nothing else, while clients write, and gives them back.

It runs beside the cluster, as `chaos run lab-pings.yaml -- ./pings.py`.
"""

import sys
import time

from failover import Cluster, healthy, last_reads
from beside import History, Writers, chaos, must, say, tell, title, until


def story() -> None:
    cluster, history = Cluster(), History()
    writer = healthy(cluster, history)

    title("three programs ping r1 in vain; everything else is as it was")
    begin = time.monotonic()
    chaos("set", "s*->r1:main", "loss=100%,type:PING")
    new = until("the sentinels make another server the primary", cluster.successor)
    say(f"the sentinels have made {new} the primary, {time.monotonic() - begin:.1f} s later")
    writer.await_more("r1", 20)
    other = Writers(history, [new], cluster.add, first=1_000_000)
    other.await_more(new, 20)
    must(cluster.role("r1") == "master", f"r1 stays a primary, found {cluster.role('r1')}")
    say("r1 is a primary as well, answers everybody, and goes on acknowledging")

    title("they get answers again")
    chaos("clear")
    last_reads(cluster, history, new, (writer, other), begin, "the first lost PING")


if __name__ == "__main__":
    sys.exit(tell("redis-sentinel", story))
