"""A session of psql, and questions that are asked once."""

import subprocess

from beside import DEADLINE, address


def words(node: str) -> list:
    host, port = address(node).split(":")
    return ["psql", "-XAtq", "-U", "postgres", "-h", host, "-p", port, "postgres"]


def ask(node: str, sql: str) -> str:
    """The answer to one question, one row a line, fields divided by '|'; OSError without one."""
    try:
        done = subprocess.run(
            [*words(node), "-c", sql], capture_output=True, text=True, timeout=DEADLINE)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{node} does not answer within {DEADLINE} s") from error
    if done.returncode != 0:
        raise ConnectionError(done.stderr.strip())
    return done.stdout.strip()


class Session:
    """One connection that stays open. A statement that waits keeps its caller waiting."""

    def __init__(self, node: str) -> None:
        self.psql = subprocess.Popen(
            words(node), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1)

    def insert(self, value: int) -> None:
        """Adds a row; OSError when nobody knows whether it is there."""
        self.psql.stdin.write(f"INSERT INTO numbers VALUES ({value}) RETURNING value;\n")
        self.psql.stdin.flush()
        line = self.psql.stdout.readline().strip()
        if line != str(value):
            raise ConnectionError(line or "the server closed the connection")
