import unittest

from sandpit.testing import Harness
from strategy import EmaCross


class EmaCrossTest(unittest.TestCase):
    def test_holds_while_the_fast_average_is_above_the_slow_one(self):
        market = Harness(EmaCross, fast=2, slow=4, quantity=3)
        for price in (100, 99, 98, 97):
            market.trade(price)
        self.assertEqual(market.position(), 0)
        market.trade(110)
        self.assertEqual(market.position(), 3)
        for price in (90, 80):
            market.trade(price)
        self.assertEqual(market.position(), 0)

    def test_only_watches_history(self):
        market = Harness(EmaCross, fast=2, slow=4)
        for price in (100, 99, 98, 97, 110):
            market.trade(price, history=True)
        self.assertEqual(market.intents, [])


if __name__ == "__main__":
    unittest.main()
