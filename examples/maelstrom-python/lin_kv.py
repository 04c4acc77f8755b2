#!/usr/bin/env python3
"""Registers, kept by the service `lin-kv`: every request is passed on, and so is its answer.

`--wrong` answers reads from what this node saw last, which is not linearizable.
"""

import sys

from maelstrom import Node

node = Node()
cache = {}


def pass_on(message):
    body = dict(message["body"])
    del body["msg_id"]
    key = body["key"]
    if "--wrong" in sys.argv and body["type"] == "read" and key in cache:
        return {"type": "read_ok", "value": cache[key]}

    def answer(reply):
        if reply["type"] == "read_ok":
            cache[key] = reply["value"]
        elif reply["type"] == "write_ok":
            cache[key] = body["value"]
        elif reply["type"] == "cas_ok":
            cache[key] = body["to"]
        kept = {name: reply[name] for name in ("type", "value", "code", "text") if name in reply}
        node.reply(message, kept)

    node.rpc("lin-kv", body, answer)


for kind in ("read", "write", "cas"):
    node.on(kind)(pass_on)
node.run()
