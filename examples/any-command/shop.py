"""A shop that keeps its stock in redis. It knows nothing of chaos."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))
from resp import Redis


class Shop:
    def __init__(self) -> None:
        self.redis = Redis(os.environ.get("DATABASE", "127.0.0.1:6379"), timeout=1)

    def deliver(self, item: str, count: int) -> None:
        self.redis("HINCRBY", "stock", item, count)

    def stock(self) -> dict:
        """What is there, item by item: one question for all names, and then one for each."""
        return {item: int(self.redis("HGET", "stock", item)) for item in self.redis("HKEYS", "stock")}

    def sell(self, item: str) -> str:
        try:
            left = self.redis("HINCRBY", "stock", item, -1)
        except OSError:
            return "come back later"
        return "sold" if left >= 0 else "sold out"
