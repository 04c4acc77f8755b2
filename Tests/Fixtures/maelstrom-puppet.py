#!/usr/bin/env python3
"""An echo node for tests that gets one thing wrong: which one, its argument says."""

import json
import os
import sys
import time

mode = sys.argv[1]
own = None
count = 0


def write(text, end="\n"):
    sys.stdout.write(text + end)
    sys.stdout.flush()


def text(dest, body, **more):
    return json.dumps({"src": own, "dest": dest, "body": body, **more})


def initialise(message):
    request = message["body"]["msg_id"]
    reply = {"type": "init_ok", "in_reply_to": request}
    if mode == "no-init":
        return
    if mode == "no-line-feed":
        return write(text(message["src"], reply), end="")
    if mode == "wrong-reply-to":
        reply["in_reply_to"] = 7
    if mode == "no-reply-to":
        del reply["in_reply_to"]
    if mode == "init-error":
        reply = {"type": "error", "in_reply_to": request, "code": 13, "text": "no disk"}
    if mode == "dies-at-once":
        print("no module named cheese", file=sys.stderr)
        sys.exit(3)
    if mode == "slow":
        time.sleep(1)
    if mode == "asks-first":
        # A service may be asked before init is answered.
        write(text("lin-kv", {"type": "write", "key": "k", "value": 1, "msg_id": 1}))
        while json.loads(sys.stdin.readline())["body"]["type"] != "write_ok":
            pass
    write(text(message["src"], reply))


def misbehave():
    if mode == "garbage":
        write("starting up")
    if mode == "two-on-a-line":
        write(text("n9", {}) + text("n9", {}))
    if mode == "nobody":
        write(text("n9", {"type": "hello"}))
    if mode == "overlong":
        write(text("n0", {"type": "x", "pad": "y" * (17 << 20)}))
    if mode == "closes":
        os.close(1)
        time.sleep(100)
    if mode == "dies":
        print("panic: out of cheese", file=sys.stderr, flush=True)
        write(text("n0", {"type": "last"}))
        os._exit(7)


for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    if body["type"] == "init":
        own = body["node_id"]
        initialise(message)
        continue
    count += 1
    if count == 3:
        misbehave()
    reply = {"type": "echo_ok", "echo": body.get("echo"), "in_reply_to": body.get("msg_id")}
    if mode == "no-reference":
        write(text(message["src"], {"type": "echo_ok", "echo": body.get("echo")}))
    if mode == "text-reference":
        write(text(message["src"], dict(reply, in_reply_to=str(body.get("msg_id")))))
    if mode == "extra":
        write(text(message["src"], dict(reply, note=1), trace=5))
    elif mode == "own-folder":
        # Each node has a folder of its own to write to.
        with open("data", "a") as file:
            file.write(own)
        with open("data") as file:
            if set(file.read().replace(own, "")):
                os._exit(9)
        write(text(message["src"], reply))
    else:
        write(text(message["src"], reply))
