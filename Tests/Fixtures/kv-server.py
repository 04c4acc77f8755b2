#!/usr/bin/env python3
"""A map over HTTP for tests: GET, PUT and POST /kv/KEY/cas. Every server has a map of its own."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

values = {}
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def do_GET(self):
        with lock:
            value = values.get(self.path)
        self.answer(404) if value is None else self.answer(200, {"data": {"value": value}})

    def do_PUT(self):
        body = self.body()
        with lock:
            values[self.path] = body
        self.answer(204)

    def do_POST(self):
        body = self.body()
        path = self.path.removesuffix("/cas")
        with lock:
            isEqual = values.get(path) == body["from"]
            if isEqual:
                values[path] = body["to"]
        self.answer(200 if isEqual else 409)

    def log_message(self, *arguments):
        pass


host, port = sys.argv[1].rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
