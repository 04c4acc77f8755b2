#!/usr/bin/env python3
"""Cuts a PostgreSQL standby off its primary while a client writes, heals, cuts again and fails over.

It runs beside the cluster, as `chaos run postgres-async.yaml -- ./failover.py`, and the same with
postgres-sync.yaml. Every write is reported to chaos, whose check `set-full` says in the end whether
the new primary has what the old one had acknowledged.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from beside import History, Writers, chaos, must, say, tell, title, until
from psql import Session, ask

STANDBY = """
    SELECT application_name, state, sync_state, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)
    FROM pg_stat_replication
"""


def count(node: str) -> int:
    return int(ask(node, "SELECT count(*) FROM numbers"))


class Cluster:
    def __init__(self, history: History) -> None:
        self.is_synchronous = ask("pg1", "SHOW synchronous_standby_names") != ""
        ask("pg1", "CREATE TABLE numbers (value int PRIMARY KEY)")
        session = Session("pg1")
        self.writers = Writers(history, ["pg1"], lambda node, value: session.insert(value))

    def lag(self) -> int:
        """How many bytes of its log the primary does not know to be replayed."""
        return int(ask("pg1", STANDBY).split("|")[3])

    def show(self) -> None:
        name, state, kind, lag = ask("pg1", STANDBY).split("|")
        say(f"pg1 sees {name}: {state}, {kind}, {lag} bytes behind")
        say(f"rows: pg1 {count('pg1')}, pg2 {count('pg2')}")

    def must_feel_the_cut(self) -> None:
        """The synchronous primary waits and acknowledges nothing; the other goes on without."""
        if self.is_synchronous:
            until(
                "a commit waits for the standby",
                lambda: ask("pg1", "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
            say("pg1: a commit waits for the standby (wait_event SyncRep), and is not acknowledged")
            before = self.writers.acknowledged("pg1")
            self.show()
            found = self.writers.acknowledged("pg1")
            must(found == before, f"nothing is acknowledged meanwhile, found {found - before}")
        else:
            self.writers.await_more("pg1", 30)
            say("pg1 goes on acknowledging writes")
            must(self.lag() > 0, "pg2 is behind, found no lag")
            self.show()


def cut_and_heal(cluster: Cluster) -> None:
    title("cut and healed")
    chaos("partition", "pg1 / pg2")
    cluster.must_feel_the_cut()
    chaos("heal")
    cluster.writers.await_more("pg1")
    want = count("pg1")
    until("pg2 has caught up", lambda: count("pg2") >= want)
    say(f"pg2 has caught up: it has the {want} rows that pg1 had, and what came since")


def fail_over(cluster: Cluster, history: History) -> None:
    title("cut, and the primary dies")
    chaos("partition", "pg1 / pg2")
    cluster.must_feel_the_cut()
    chaos("kill", "pg1")
    cluster.writers.stop()
    chaos("heal")
    must(ask("pg2", "SELECT pg_promote()") == "t", "pg2 becomes the primary")
    say(f"pg2 is the primary now, and has {count('pg2')} rows")
    chaos("restart", "pg1")
    until("pg1 is back", lambda: count("pg1"))
    say(f"pg1 is back, on its own, and has {count('pg1')} rows")

    def numbers() -> list:
        return [int(line) for line in ask("pg2", "SELECT value FROM numbers").split()]

    end = history.record(9, "pg2", "read", None, numbers, final=True)
    must(end == "ok", f"pg2 answers the last read, found '{end}'")
    say("pg2 has told all that it has; chaos compares it with what pg1 had acknowledged")


def story() -> None:
    history = History()
    cluster = Cluster(history)
    title("healthy")
    cluster.writers.await_more("pg1", 20)
    kind = "sync" if cluster.is_synchronous else "async"
    until(f"pg2 streams as {kind}", lambda: f"|streaming|{kind}|" in ask("pg1", STANDBY))
    cluster.show()
    cut_and_heal(cluster)
    fail_over(cluster, history)


if __name__ == "__main__":
    sys.exit(tell("postgres", story))
