#!/usr/bin/env python3
"""Makes ids that nobody else makes: name, boot and number. `--wrong` leaves the name away."""

import os
import sys

from maelstrom import Node

node = Node()
boot = os.urandom(8).hex()
count = 0


@node.on("generate")
def generate(message):
    global count
    count += 1
    if "--wrong" in sys.argv:
        return {"type": "generate_ok", "id": count}
    return {"type": "generate_ok", "id": f"{node.id}-{boot}-{count}"}


node.run()
