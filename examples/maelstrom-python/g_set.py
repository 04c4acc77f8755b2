#!/usr/bin/env python3
"""A set that only grows: every node tells one other, every now and then, all it knows.

`--wrong` shows the first element twice.
"""

import random
import sys

from maelstrom import Node

node = Node()
elements = set()


@node.on("add")
def add(message):
    elements.add(message["body"]["element"])
    return {"type": "add_ok"}


@node.on("read")
def read(message):
    value = sorted(elements)
    if "--wrong" in sys.argv:
        value = value[:1] + value
    return {"type": "read_ok", "value": value}


@node.on("gossip")
def gossip(message):
    elements.update(message["body"]["elements"])


def spread():
    if node.others:
        node.send(random.choice(node.others), {"type": "gossip", "elements": sorted(elements)})


node.every(0.2, spread)
node.run()
