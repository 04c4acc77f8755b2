"""A client of ZooKeeper in a few lines: its wire protocol (jute), as far as a set of numbers needs it."""

import socket
import struct
import threading

from beside import Refused, address

CREATE, SYNC, CHILDREN, CLOSE = 1, 9, 8, -11
OPEN_TO_ALL = struct.pack(">ii", 1, 31)  # one entry, all permissions, for ...
for word in (b"world", b"anyone"):
    OPEN_TO_ALL += struct.pack(">i", len(word)) + word
# What is definitely not done: NodeExists, NoNode.
REFUSALS = {-110: "it is there already", -101: "there is no such node"}


def text(word: str) -> bytes:
    return struct.pack(">i", len(word)) + word.encode()


class Session:
    """A session with one server; every failure of it is an OSError, and ends it."""

    def __init__(self, node: str, timeout: float) -> None:
        host, port = address(node, "client").rsplit(":", 1)
        self.last, self.lock = 0, threading.Lock()
        self.socket = socket.create_connection((host, int(port)), timeout)
        self._send(struct.pack(">iqiqi", 0, 0, int(timeout * 1000), 0, 16) + bytes(16))
        _, granted = struct.unpack_from(">ii", self._receive())
        if granted <= 0:
            raise ConnectionError("the server gave no session")

    def create(self, path: str) -> None:
        self._ask(CREATE, text(path) + text("") + OPEN_TO_ALL + struct.pack(">i", 0))

    def children(self, path: str) -> list:
        """Those that the leader knows of now, as this server tells it."""
        self._ask(SYNC, text(path))
        reply = self._ask(CHILDREN, text(path) + b"\0")
        count, = struct.unpack_from(">i", reply)
        at, names = 4, []
        for _ in range(count):
            size, = struct.unpack_from(">i", reply, at)
            names.append(reply[at + 4:at + 4 + size].decode())
            at += 4 + size
        return names

    def close(self) -> None:
        self.socket.close()

    def _ask(self, kind: int, body: bytes) -> bytes:
        with self.lock:
            self.last += 1
            self._send(struct.pack(">ii", self.last, kind) + body)
            while True:
                reply = self._receive()
                number, _, error = struct.unpack_from(">iqi", reply)
                if number == self.last:
                    break
        if error in REFUSALS:
            raise Refused(REFUSALS[error])
        if error:
            raise ConnectionError(f"ZooKeeper's error {error}")
        return reply[16:]

    def _send(self, packet: bytes) -> None:
        self.socket.sendall(struct.pack(">i", len(packet)) + packet)

    def _receive(self) -> bytes:
        size, = struct.unpack(">i", self._read(4))
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the server closed the connection")
            data += piece
        return data


def mode(node: str) -> str:
    """What a server says it is: leader or follower; '' when it serves nobody."""
    host, port = address(node, "client").rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"srvr")
        answer = connection.makefile().read()
    lines = dict(line.split(": ", 1) for line in answer.splitlines() if ": " in line)
    return lines.get("Mode", "")
