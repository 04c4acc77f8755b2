"""What the programs of these examples need that run beside a cluster, behind `--`.

They steer the run with the commands that a person types in another terminal, and report to
CHAOS_HISTORY what they ask the cluster and what it answers, so that chaos itself can judge it. They
wait for events, never for luck: every wait has a deadline, and one that is not met ends in a
sentence and exit code 1.
"""

import json
import os
import subprocess
import sys
import threading
import time

DEADLINE = 60  # seconds that anything may take, on a slow machine too
START = time.monotonic()


class Broken(Exception):
    """Something is not as it must be."""


class Refused(Exception):
    """The operation was definitely not done."""


def say(text: str) -> None:
    print(f"{time.monotonic() - START:6.2f}s  {text}", flush=True)


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def must(condition: bool, sentence: str) -> None:
    if not condition:
        raise Broken(sentence)


def until(sentence: str, look, deadline: float = DEADLINE):
    """Looks again and again until there is something true to see, and returns it.

    `look` may raise OSError or Refused, for example while nobody listens.
    """
    begin = time.monotonic()
    found = None
    while True:
        try:
            found = look()
            if found:
                return found
        except (OSError, Refused) as error:
            found = error
        must(time.monotonic() - begin < deadline, f"{sentence} within {deadline} s, found {found!r}")
        time.sleep(0.05)


def chaos(*words: str, quiet: bool = False) -> str:
    """Steers the run; chaos sets PATH and CHAOS_RUN_DIR so that its commands find it."""
    shown = " ".join(f"'{w}'" if " " in w or ">" in w or "*" in w else w for w in words)
    done = subprocess.run(["chaos", *words], capture_output=True, text=True)
    must(done.returncode == 0, f"chaos {shown}: {done.stderr.strip()}")
    if not quiet:
        say(f"$ chaos {shown}")
        for line in done.stdout.splitlines():
            say(f"  {line}")
    return done.stdout


def address(node: str, port: str = "main") -> str:
    """HOST:PORT where clients find a node's port."""
    return os.environ[f"CHAOS_PEER_{node.upper()}_{port.upper()}"]


class History:
    """Reports operations: each has an invocation and, if its end is known, one end."""

    def __init__(self) -> None:
        self.file = open(os.environ["CHAOS_HISTORY"], "a")
        self.lock = threading.Lock()

    def _report(self, **report) -> None:
        with self.lock:
            self.file.write(json.dumps(report) + "\n")
            self.file.flush()

    def record(self, process: int, node: str, f: str, value, do, final: bool = False):
        """Does something to a node and reports it.

        `do` returns the result (None: the value as it was asked for), raises Refused when nothing
        was done, and OSError when nobody knows. Returns 'ok', 'fail' or 'info'.
        """
        self._report(type="invoke", process=process, node=node, f=f, value=value, final=final)
        try:
            result = do()
        except Refused as error:
            self._report(type="fail", process=process, error=str(error))
            return "fail"
        except OSError as error:
            self._report(type="info", process=process, error=str(error) or type(error).__name__)
            return "info"
        if result is None:
            self._report(type="ok", process=process)
        else:
            self._report(type="ok", process=process, value=result)
        return "ok"


class Writers:
    """Threads that add numbers to a set, one at each node, each number once."""

    def __init__(self, history: History, nodes: list, add, first: int = 0) -> None:
        self.history, self.add, self.first = history, add, first
        self.counts = {node: {"ok": 0, "fail": 0, "info": 0} for node in nodes}
        # When each acknowledgement came, by time.monotonic(), and of which number.
        self.acknowledgements = {node: [] for node in nodes}
        self.stopping = threading.Event()
        self.failure = None
        self.threads = [
            threading.Thread(target=self._write, args=(number, node), daemon=True)
            for number, node in enumerate(nodes)
        ]
        for thread in self.threads:
            thread.start()

    def _write(self, number: int, node: str) -> None:
        try:
            value = self.first + number
            while not self.stopping.is_set():
                end = self.history.record(
                    self.first + number, node, "add", value, lambda: self.add(node, value)
                )
                self.counts[node][end] += 1
                if end == "ok":
                    self.acknowledgements[node].append((time.monotonic(), value))
                value += len(self.counts)
                time.sleep(0.05)
        except Exception as error:  # a mistake in the example: told by whoever looks next
            self.failure = error

    def acknowledged(self, node: str) -> int:
        must(self.failure is None, f"the writer of {node} failed: {self.failure!r}")
        return self.counts[node]["ok"]

    def await_more(self, node: str, count: int = 5) -> None:
        """Waits until a node has acknowledged so many further writes."""
        before = self.acknowledged(node)
        until(
            f"{node} acknowledges {count} more writes",
            lambda: self.acknowledged(node) >= before + count,
        )

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(DEADLINE)
        must(self.failure is None, f"a writer failed: {self.failure!r}")
        total = {key: sum(c[key] for c in self.counts.values()) for key in ("ok", "fail", "info")}
        say(
            f"writes: {total['ok']} acknowledged, {total['fail']} refused, "
            f"{total['info']} of unknown outcome"
        )


def tell(name: str, story) -> int:
    """Runs a story; a sentence and 1 when something is not as it must be."""
    if "CHAOS_HISTORY" not in os.environ:
        print(f"this runs beside a cluster: chaos run {name}.yaml -- {sys.argv[0]}")
        return 64
    try:
        story()
    except (Broken, Refused, OSError) as error:
        print(f"\n{name}: {error}", flush=True)
        return 1
    return 0
