#!/usr/bin/env python3
"""Transactions (txn-list-append and txn-rw-register) on one value of the service `lin-kv`.

Each transaction reads the whole state, works on a copy, and swaps it in; if somebody was faster it
tells the client that nothing happened. `--wrong` keeps a state of its own at every node.
"""

import sys

from maelstrom import Node

node = Node()
wrong = "--wrong" in sys.argv
own = {}


def apply(steps, state):
    done = []
    for verb, key, value in steps:
        name = str(key)
        if verb == "r":
            value = state.get(name)
        elif verb == "append":
            state[name] = state.get(name, []) + [value]
        else:
            state[name] = value
        done.append([verb, key, value])
    return done


@node.on("txn")
def txn(message):
    steps = message["body"]["txn"]
    if wrong:
        return {"type": "txn_ok", "txn": apply(steps, own)}

    def error(reply):
        node.reply(message, {"type": "error", "code": reply["code"], "text": reply["text"]})

    def read(reply):
        if reply["type"] == "error" and reply["code"] != 20:
            return error(reply)
        before = reply.get("value", {})
        after = dict(before)
        done = apply(steps, after)
        if all(step[0] == "r" for step in steps):
            node.reply(message, {"type": "txn_ok", "txn": done})
            return

        def swapped(reply):
            if reply["type"] == "cas_ok":
                node.reply(message, {"type": "txn_ok", "txn": done})
            elif reply["code"] == 22:
                error({"code": 30, "text": "somebody was faster"})
            else:
                error(reply)

        node.rpc(
            "lin-kv",
            {
                "type": "cas",
                "key": "state",
                "from": before,
                "to": after,
                "create_if_not_exists": True,
            },
            swapped,
        )

    node.rpc("lin-kv", {"type": "read", "key": "state"}, read)


node.run()
