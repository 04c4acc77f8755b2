#!/usr/bin/env python3
"""A counter (g-counter and pn-counter) as a CRDT: one sum for each node and sign, merged by maximum.

`--wrong` merges by addition, so what is told twice counts twice.
"""

import random
import sys

from maelstrom import Node

node = Node()
# By node: what it added above 0 and, as a positive number, below.
sums = {}


@node.on("add")
def add(message):
    delta = message["body"]["delta"]
    up, down = sums.get(node.id, (0, 0))
    sums[node.id] = (up + max(0, delta), down + max(0, -delta))
    return {"type": "add_ok"}


@node.on("read")
def read(message):
    return {"type": "read_ok", "value": sum(up - down for up, down in sums.values())}


@node.on("gossip")
def gossip(message):
    for name, (up, down) in message["body"]["sums"].items():
        own_up, own_down = sums.get(name, (0, 0))
        if "--wrong" in sys.argv and name != node.id:
            sums[name] = (own_up + up, own_down + down)
        else:
            sums[name] = (max(own_up, up), max(own_down, down))


def spread():
    if node.others:
        node.send(random.choice(node.others), {"type": "gossip", "sums": sums})


node.every(0.2, spread)
node.run()
