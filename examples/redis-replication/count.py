#!/usr/bin/env python3
"""Counts to ten in redis and tries again after errors, as many clients do.

It runs beside the server, as `chaos run redis-retry.yaml -- ./count.py`.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from resp import Redis

COUNT = 10


def main() -> int:
    address = os.environ.get("CHAOS_PEER_N1_MAIN")
    if address is None:
        print("this runs beside a server: chaos run redis-retry.yaml -- ./count.py")
        return 64
    redis, errors, counted = Redis(address), 0, 0
    while counted < COUNT:
        try:
            value = redis("INCR", "visits")
            counted += 1
            print(f"INCR visits -> {value}", flush=True)
        except OSError as error:
            errors += 1
            print(f"INCR visits -> {type(error).__name__}; trying again", flush=True)
            redis = Redis(address)
    found = int(redis("GET", "visits"))
    print(f"\n{counted} visits were counted, and redis says {found}")
    if errors != 1 or found != COUNT + 1:
        print(f"redis-retry: one lost reply makes {COUNT + 1}, found {errors} lost and {found}")
        return 1
    print("an error does not mean that nothing happened: the outcome was unknown")
    return 0


if __name__ == "__main__":
    sys.exit(main())
