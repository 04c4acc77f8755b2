#!/usr/bin/env python3
"""Cuts the routes of a NATS server while both sides publish, and heals them.

It runs beside the cluster, as `chaos run nats-silence.yaml -- ./split.py`, and the same with
nats-reset.yaml. Every number that a server took, and every number that a subscriber has in the end, is
reported to chaos, whose check `set-full` says what was lost.
"""

import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import History, chaos, must, say, tell, title, until
from client import Client

NODES = ["n1", "n2", "n3"]
LEFT, RIGHT = ["n1"], ["n2", "n3"]
PUBLISHERS = ["n1", "n3"]


class Cluster:
    def __init__(self, history: History) -> None:
        self.history, self.clients = history, {node: Client(node) for node in NODES}
        self.fresh, self.probes = count(), count()
        for client in self.clients.values():
            client.subscribe("numbers")
            client.subscribe("probes")

    def publish(self, node: str, how_many: int = 10) -> list:
        numbers = [next(self.fresh) for _ in range(how_many)]
        for n in numbers:
            end = self.history.record(
                PUBLISHERS.index(node), node, "add", n,
                lambda n=n: self.clients[node].publish("numbers", n))
            must(end == "ok", f"{node} takes every number, found '{end}'")
        return numbers

    def has(self, node: str, numbers: list) -> bool:
        return set(numbers) <= set(self.clients[node].received("numbers"))

    def await_numbers(self, nodes: list, numbers: list) -> None:
        for node in nodes:
            until(f"the subscriber at {node} has all numbers", lambda: self.has(node, numbers))

    def await_routes(self) -> None:
        """Publishes probes until subscribers everywhere hear publishers everywhere."""
        for node in PUBLISHERS:
            def is_heard_by_all() -> bool:
                probe = next(self.probes)
                self.clients[node].publish("probes", probe)
                return all(probe in c.received("probes") for c in self.clients.values())
            until(f"everybody hears {node}", is_heard_by_all)

    def show(self) -> None:
        sizes = [f"{n} {len(c.received('numbers'))}" for n, c in self.clients.items()]
        say(f"numbers that subscribers have: {', '.join(sizes)}")


def story() -> None:
    history = History()
    cluster = Cluster(history)
    title("healthy")
    cluster.await_routes()
    for node in PUBLISHERS:
        cluster.await_numbers(NODES, cluster.publish(node))
    say("10 numbers from n1 and 10 from n3 have come to the subscribers of all servers")
    cluster.show()

    title("the routes of n1 are cut")
    chaos("partition", "n1 / n2 n3")
    left, right = cluster.publish("n1"), cluster.publish("n3")
    say("n1 and n3 have taken 10 numbers each")
    cluster.await_numbers(LEFT, left)
    cluster.await_numbers(RIGHT, right)
    strays = [n for n in NODES if set(cluster.clients[n].received("numbers"))
              & set(right if n in LEFT else left)]
    must(not strays, f"nothing gets across the cut, found it at {strays}")
    say("subscribers have what was published on their side, and nothing of the other")
    cluster.show()

    title("healed")
    chaos("heal")
    cluster.await_routes()
    say("everybody hears everybody again")
    for node in PUBLISHERS:
        cluster.await_numbers(NODES, cluster.publish(node))
    cluster.show()
    late = sum(cluster.has(n, left if n in RIGHT else right) for n in NODES)
    say(f"what was published during the cut has come late to {late} of 3 subscribers")
    for node, client in cluster.clients.items():
        numbers = client.received("numbers")
        end = history.record(9, node, "read", None, lambda: numbers, final=True)
        must(end == "ok", f"the subscriber at {node} tells what it has")


if __name__ == "__main__":
    sys.exit(tell("nats", story))
