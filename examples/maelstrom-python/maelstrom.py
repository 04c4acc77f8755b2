"""What every node here shares: messages on standard input and output, as Maelstrom's protocol has them.

One thread reads; handlers run on it, one after the other. `rpc` takes a function for the reply, so
nothing here ever waits. Timers run on the same thread, between two messages.
"""

import json
import os
import select
import sys
import time


class RPCError(Exception):
    """An `error` reply: what a handler raises, or what a reply's function gets."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code
        self.text = text


class Node:
    def __init__(self):
        self.id = None
        self.ids = []
        self._handlers = {}
        self._callbacks = {}
        self._timers = []
        self._next_id = 0
        self._pending = b""
        self._output = []

    @property
    def others(self):
        return [node for node in self.ids if node != self.id]

    def on(self, kind):
        """Decorates the handler of one type of message; it gets the message and returns a reply or None."""

        def register(handler):
            self._handlers[kind] = handler
            return handler

        return register

    def every(self, seconds, action):
        """Calls an action again and again, once the node knows who it is."""
        self._timers.append([time.monotonic() + seconds, seconds, action])

    def send(self, dest, body):
        self._output.append(json.dumps({"src": self.id, "dest": dest, "body": body}))

    def reply(self, request, body):
        body["in_reply_to"] = request["body"]["msg_id"]
        self.send(request["src"], body)

    def rpc(self, dest, body, callback=None):
        """Sends a request; the callback gets the reply's body, an `error` too."""
        self._next_id += 1
        body["msg_id"] = self._next_id
        if callback:
            self._callbacks[self._next_id] = callback
        self.send(dest, body)
        return self._next_id

    def log(self, *words):
        print(*words, file=sys.stderr, flush=True)

    def run(self):
        while True:
            self._flush()
            timeout = None
            if self.id and self._timers:
                timeout = max(0, min(timer[0] for timer in self._timers) - time.monotonic())
            ready, _, _ = select.select([sys.stdin.fileno()], [], [], timeout)
            if ready:
                chunk = os.read(sys.stdin.fileno(), 65536)
                if not chunk:
                    return
                self._pending += chunk
                *lines, self._pending = self._pending.split(b"\n")
                for line in lines:
                    self._receive(json.loads(line))
            if self.id:
                self._fire()

    def _flush(self):
        if self._output:
            # One write for many messages, and flushed: nobody reads what lies in a buffer.
            sys.stdout.write("\n".join(self._output) + "\n")
            sys.stdout.flush()
            self._output = []

    def _fire(self):
        now = time.monotonic()
        for timer in self._timers:
            if timer[0] <= now:
                timer[0] = now + timer[1]
                timer[2]()

    def _receive(self, message):
        body = message["body"]
        if "in_reply_to" in body:
            callback = self._callbacks.pop(body["in_reply_to"], None)
            if callback:
                callback(body)
            return
        if body["type"] == "init":
            self.id = body["node_id"]
            self.ids = body["node_ids"]
            self.reply(message, {"type": "init_ok"})
            return
        handler = self._handlers.get(body["type"])
        try:
            if handler is None:
                raise RPCError(10, f"unknown type of request '{body['type']}'")
            reply = handler(message)
        except RPCError as error:
            reply = {"type": "error", "code": error.code, "text": error.text}
        if reply is not None and "msg_id" in body:
            self.reply(message, reply)
