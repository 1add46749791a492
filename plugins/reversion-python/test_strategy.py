import unittest

from sandpit import Refused, SavedState
from sandpit.testing import Harness
from strategy import Reversion


def calm(market: Harness, bars: int) -> None:
    """Closes that go up and down by one around 1,000."""
    for at in range(bars):
        market.bar(1_000 + (at % 2))


class ReversionTest(unittest.TestCase):
    def test_trades_against_an_unusual_move_and_leaves_when_it_is_over(self):
        market = Harness(Reversion, window=20)
        calm(market, 30)
        self.assertEqual(market.position(), 0)
        market.bar(980)
        self.assertGreater(market.position(), 0)
        market.bar(1_001)
        self.assertEqual(market.position(), 0)

    def test_takes_the_other_side_of_a_rise(self):
        market = Harness(Reversion, window=20)
        calm(market, 30)
        market.bar(1_020)
        self.assertLess(market.position(), 0)

    def test_a_market_that_stands_still_is_left_alone(self):
        market = Harness(Reversion, window=20)
        for _ in range(40):
            market.bar(1_000)
        self.assertEqual(market.intents, [])

    def test_more_deviation_is_less_size(self):
        quiet, wild = Harness(Reversion, window=20), Harness(Reversion, window=20)
        calm(quiet, 30)
        for at in range(30):
            wild.bar(1_000 + 10 * (at % 2))
        quiet.bar(980)
        wild.bar(900)
        self.assertGreater(quiet.position(), wild.position())

    def test_its_memory_outlives_it(self):
        first = Harness(Reversion, window=20)
        calm(first, 30)
        state = SavedState("0.1.0", 1, first.save())
        second = Harness(Reversion, window=20, restored=state)
        second.bar(980)
        self.assertGreater(second.position(), 0)

    def test_settings_that_contradict_each_other_are_refused(self):
        with self.assertRaises(Refused):
            Harness(Reversion, entry="1", exit="1")


if __name__ == "__main__":
    unittest.main()
