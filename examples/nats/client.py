"""A client of NATS in a few lines (its text protocol: INFO, CONNECT, SUB, PUB, MSG, PING, PONG)."""

import socket
import threading

from beside import DEADLINE, address, until


class Client:
    """One connection to one server, which keeps all numbers that come."""

    def __init__(self, node: str) -> None:
        host, port = address(node, "client").split(":")
        self.node = node
        self.numbers = {}  # those of each subject, in the order in which they came
        self.pongs = 0
        self.failure = None
        self.socket = socket.create_connection((host, int(port)), DEADLINE)
        self.stream = self.socket.makefile("rb")
        self._send('CONNECT {"verbose":false,"pedantic":false}')
        threading.Thread(target=self._read, daemon=True).start()

    def _send(self, *lines: str) -> None:
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode())

    def _read(self) -> None:
        try:
            while line := self.stream.readline():
                word, *rest = line.decode().split()
                if word == "MSG":
                    payload = self.stream.read(int(rest[-1]) + 2)
                    self.numbers.setdefault(rest[0], []).append(int(payload))
                elif word == "PING":
                    self._send("PONG")
                elif word == "PONG":
                    self.pongs += 1
                elif word == "-ERR":
                    raise ConnectionError(line.decode().strip())
            raise ConnectionError("the server closed the connection")
        except OSError as error:
            self.failure = error

    def subscribe(self, subject: str) -> None:
        self._send(f"SUB {subject} {subject}")

    def publish(self, subject: str, number: int) -> None:
        """Returns when the server has taken it; OSError when nobody knows."""
        text, before = str(number), self.pongs
        self._send(f"PUB {subject} {len(text)}", text, "PING")
        until(f"{self.node} answers", lambda: self.failure or self.pongs > before)
        if self.failure:
            raise self.failure

    def received(self, subject: str) -> list:
        return list(self.numbers.get(subject, []))
