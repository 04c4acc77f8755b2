#!/usr/bin/env python3
"""Says back what it is told. `--wrong` says it in capitals now and then."""

import sys

from maelstrom import Node

node = Node()
count = 0


@node.on("echo")
def echo(message):
    global count
    count += 1
    text = message["body"]["echo"]
    if "--wrong" in sys.argv and count % 5 == 0:
        text = text.upper()
    return {"type": "echo_ok", "echo": text}


node.run()
