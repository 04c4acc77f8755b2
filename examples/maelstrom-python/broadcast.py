#!/usr/bin/env python3
"""Spreads numbers to every node.

By default each neighbour is told again until it has acknowledged, so a cut only delays. `--naive`
tells each neighbour once and forgets; what a cut swallows is lost.
"""

import sys

from maelstrom import Node

node = Node()
naive = "--naive" in sys.argv
seen = []
known = set()
neighbours = []
# What each neighbour has not acknowledged yet.
unacknowledged = {}


@node.on("topology")
def topology(message):
    global neighbours
    neighbours = message["body"]["topology"][node.id]
    for neighbour in neighbours:
        unacknowledged.setdefault(neighbour, set())
    return {"type": "topology_ok"}


def learn(number, source):
    if number in known:
        return
    known.add(number)
    seen.append(number)
    for neighbour in neighbours:
        if neighbour == source:
            continue
        if naive:
            node.send(neighbour, {"type": "spread", "message": number})
        else:
            unacknowledged[neighbour].add(number)
            tell(neighbour, number)


def tell(neighbour, number):
    node.rpc(
        neighbour,
        {"type": "spread", "message": number},
        lambda reply: unacknowledged[neighbour].discard(number),
    )


@node.on("broadcast")
def broadcast(message):
    learn(message["body"]["message"], None)
    return {"type": "broadcast_ok"}


@node.on("spread")
def spread(message):
    learn(message["body"]["message"], message["src"])
    return {"type": "spread_ok"}


@node.on("read")
def read(message):
    return {"type": "read_ok", "messages": seen}


def remind():
    for neighbour, numbers in unacknowledged.items():
        for number in list(numbers):
            tell(neighbour, number)


if not naive:
    node.every(1.0, remind)
node.run()
