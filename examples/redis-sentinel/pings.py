#!/usr/bin/env python3
"""Takes the sentinels' PINGs to a redis primary away, and nothing else, while clients write, and gives them back.

It runs beside the cluster, as `chaos run lab-pings.yaml -- ./pings.py`.
"""

import sys
import time

from failover import SENTINELS, SERVERS, Cluster
from beside import DEADLINE, History, Writers, chaos, must, say, tell, title, until


def story() -> None:
    cluster, history = Cluster(), History()
    title("healthy")
    for sentinel in SENTINELS:
        until(f"{sentinel} knows all", lambda: cluster.knows_all(sentinel))
    writer = Writers(history, ["r1"], cluster.add)
    writer.await_more("r1", 20)
    say("r1 is the primary, all sentinels know each other, r2 and r3 follow")

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
    for node in SERVERS:
        if node != new:
            until(f"{node} follows {new}", lambda: cluster.follows(node, new))
    say(f"r1 and the others follow {new}, {time.monotonic() - begin:.1f} s after the first lost PING")
    writer.stop()
    other.stop()
    primary = cluster.nodes[new]
    primary("SET", "barrier", 1)
    must(primary("WAIT", 2, DEADLINE * 1000) == 2, f"both have everything that {new} has")
    for node in SERVERS:
        end = history.record(9, node, "read", None, lambda: cluster.numbers(node), final=True)
        must(end == "ok", f"{node} answers the last read, found '{end}'")

    title("the window of lost writes")
    kept = set(cluster.numbers(new))
    lost = [time for time, value in writer.acknowledgements["r1"] if value not in kept]
    must(lost, "r1 has acknowledged writes that are gone, found none")
    say(f"r1 has acknowledged {len(lost)} writes that nobody has any more")
    say(f"they were acknowledged {lost[0] - begin:.1f} to {lost[-1] - begin:.1f} s after the first lost PING")


if __name__ == "__main__":
    sys.exit(tell("redis-sentinel", story))
