"""A client of redis in a few lines: commands out, replies in (the RESP 2 protocol)."""

import socket

from beside import Refused


class RedisError(Refused):
    """A reply that says why a command was not done."""


class Redis:
    """One connection to one server; `address` is HOST:PORT, times are seconds."""

    def __init__(self, address: str, timeout: float = 10):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def __call__(self, *words):
        """Sends a command and returns its reply: text, number, list or None."""
        parts = [str(word).encode() for word in words]
        text = b"*%d\r\n" % len(parts)
        self.socket.sendall(text + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply()

    def _reply(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection before it replied")
        sign, rest = line[:1], line[1:-2].decode()
        if sign == b"-":
            raise RedisError(rest)
        if sign == b":":
            return int(rest)
        if sign == b"$":
            return None if rest == "-1" else self.stream.read(int(rest) + 2)[:-2].decode()
        if sign == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest

    def info(self, section: str) -> dict:
        """The fields of one section of INFO."""
        lines = self("INFO", section).split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)
