#!/usr/bin/env python3
"""Logs (the workload `kafka`): offsets are given out by compare-and-set on the service `lin-kv`.

A log is one value there. `--wrong` keeps the logs at each node, so two nodes give out the same offsets.
"""

import sys

from maelstrom import Node

node = Node()
wrong = "--wrong" in sys.argv
own = {}
committed = {}
# How many entries one poll shows of a key at most.
BATCH = 10


@node.on("send")
def send(message):
    key, value = message["body"]["key"], message["body"]["msg"]
    if wrong:
        log = own.setdefault(key, [])
        log.append(value)
        return {"type": "send_ok", "offset": len(log) - 1}
    append(message, key, value)


def append(message, key, value):
    """Reads the log and swaps in one that has the value as well, until nobody is faster."""

    def read(reply):
        if reply["type"] == "error" and reply["code"] != 20:
            return fail(message, reply)
        log = reply.get("value", [])

        def swapped(answer):
            if answer["type"] == "cas_ok":
                node.reply(message, {"type": "send_ok", "offset": len(log)})
            elif answer["code"] in (20, 22):
                append(message, key, value)
            else:
                fail(message, answer)

        node.rpc(
            "lin-kv",
            {
                "type": "cas",
                "key": "log " + key,
                "from": log,
                "to": log + [value],
                "create_if_not_exists": True,
            },
            swapped,
        )

    node.rpc("lin-kv", {"type": "read", "key": "log " + key}, read)


def fail(message, reply):
    node.reply(message, {"type": "error", "code": reply["code"], "text": reply["text"]})


@node.on("poll")
def poll(message):
    offsets = message["body"]["offsets"]
    shown = {}

    def show(key, log):
        first = offsets[key]
        entries = [[first + i, value] for i, value in enumerate(log[first : first + BATCH])]
        shown[key] = entries
        if len(shown) == len(offsets):
            node.reply(message, {"type": "poll_ok", "msgs": shown})

    if not offsets:
        return {"type": "poll_ok", "msgs": {}}
    for key in offsets:
        if wrong:
            show(key, own.get(key, []))
        else:
            node.rpc(
                "lin-kv",
                {"type": "read", "key": "log " + key},
                lambda reply, key=key: show(key, reply.get("value", [])),
            )


@node.on("commit_offsets")
def commit(message):
    for key, offset in message["body"]["offsets"].items():
        committed[key] = max(offset, committed.get(key, 0))
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
def list_committed(message):
    keys = message["body"]["keys"]
    known = {key: committed[key] for key in keys if key in committed}
    return {"type": "list_committed_offsets_ok", "offsets": known}


node.run()
