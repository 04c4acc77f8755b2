#!/usr/bin/env python3
"""The test suite that the shop has had for years."""

import time
import unittest

from shop import Shop


class ShopTests(unittest.TestCase):
    def setUp(self) -> None:
        self.shop = Shop()
        self.shop.redis("DEL", "stock")
        for item in ["apples", "bread", "cheese", "dates", "eggs"]:
            self.shop.deliver(item, 1)

    def tearDown(self) -> None:
        self.shop.redis.close()

    def test_what_is_sold_is_gone(self) -> None:
        self.assertEqual(self.shop.sell("bread"), "sold")
        self.assertEqual(self.shop.sell("bread"), "sold out")

    def test_the_stock_is_shown_within_half_a_second(self) -> None:
        begin = time.monotonic()
        self.assertEqual(len(self.shop.stock()), 5)
        self.assertLess(time.monotonic() - begin, 0.5)


if __name__ == "__main__":
    unittest.main()
