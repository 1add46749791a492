"""Numbers, parameters and book-keeping, without WebAssembly: `python3 -m unittest` with this SDK on
the path."""

import decimal
import unittest
from decimal import Decimal

from sandpit import (
    Accepted,
    ChangeRefused,
    Filled,
    Limit,
    Liquidity,
    Order,
    OrderState,
    OrderUpdate,
    Random,
    Refused,
    Rounding,
    Side,
    Strategy,
    Trade,
    Trades,
    choice,
    integer,
    number,
    to_decimal,
)
from sandpit.numbers import divide, from_wire, round_to_step, to_wire, use_exact_context
from sandpit.testing import Harness


class Numbers(unittest.TestCase):
    def setUp(self):
        use_exact_context()

    def test_the_wire_keeps_the_scale(self):
        self.assertEqual(str(from_wire(12340, 3)), "12.340")
        self.assertEqual(to_wire(Decimal("12.340")), (12340, 3))
        self.assertEqual(to_wire(Decimal("-0.5")), (-5, 1))
        self.assertEqual(to_wire(Decimal("1E+3")), (1000, 0))
        self.assertEqual(to_wire(2**63 - 1), (2**63 - 1, 0))
        with self.assertRaises(ValueError):
            to_wire(2**63)
        with self.assertRaises(ValueError):
            to_wire(Decimal("0.1234567890123456789"))

    def test_trailing_zeros_are_no_reason_to_fail(self):
        self.assertEqual(to_wire(Decimal("1.0000000000000000000")), (1, 0))

    def test_nothing_is_lost_unseen(self):
        with self.assertRaises(decimal.Inexact):
            Decimal(1) / Decimal(3)
        with self.assertRaises(decimal.FloatOperation):
            Decimal(0.1)
        with self.assertRaises(TypeError):
            to_decimal(0.1)

    def test_roundings_have_names(self):
        cases = {
            Rounding.FLOOR: (-2, 1),
            Rounding.CEILING: (-1, 2),
            Rounding.TOWARD_ZERO: (-1, 1),
            Rounding.AWAY_FROM_ZERO: (-2, 2),
            Rounding.HALF_EVEN: (-2, 2),
            Rounding.HALF_AWAY_FROM_ZERO: (-2, 2),
        }
        for rounding, expected in cases.items():
            found = tuple(divide(Decimal(value), Decimal(2), 0, rounding) for value in (-3, 3))
            self.assertEqual(found, expected, rounding)
        self.assertEqual(divide(Decimal(5), Decimal(2), 0, Rounding.HALF_EVEN), 2)
        self.assertEqual(divide(Decimal(1), Decimal(3), 4, Rounding.FLOOR), Decimal("0.3333"))
        found = round_to_step(Decimal("101.37"), Decimal("0.25"), Rounding.CEILING)
        self.assertEqual(found, Decimal("101.5"))


class Randoms(unittest.TestCase):
    def test_the_sequence_of_a_seed_is_that_of_the_other_languages(self):
        random = Random(1_234_567)
        first = [random.next_u64() for _ in range(3)]
        self.assertEqual(
            first, [6457827717110365317, 3203168211198807973, 9817491932198370423]
        )


class Settings(unittest.TestCase):
    def test_a_default_out_of_its_bounds_is_no_parameter(self):
        with self.assertRaises((ValueError, RuntimeError)):
            type("Wrong", (Strategy,), {"length": integer(0, min=1, max=5, summary="x")})

    def test_values_come_from_the_operator(self):
        class Mine(Strategy):
            fast_length = integer(3, min=1, max=5, summary="Length")
            share = number("0.5", min=0, max=1, summary="Share")
            side = choice("long", ["long", "both"], summary="Side")

        market = Harness(Mine, fast_length=4, share="0.25")
        self.assertEqual(market.strategy.fast_length, 4)
        self.assertEqual(market.strategy.share, Decimal("0.25"))
        self.assertEqual(market.strategy.side, "long")
        with self.assertRaises(ValueError):
            Harness(Mine, fast_length=6)
        with self.assertRaises(Refused):
            market.set(fast_length=2)
        self.assertEqual(market.strategy.fast_length, 4)


class Quoter(Strategy):
    subscriptions = [Trades()]

    def on_trade(self, trade: Trade) -> None:
        if not self.orders:
            self.place(Order(trade.instrument, Side.BUY, Decimal(2), Limit(Decimal(9))))


class OwnOrders(unittest.TestCase):
    def test_the_hosts_word_wins(self):
        market = Harness(Quoter)
        market.trade(10)
        (order,) = market.strategy.orders
        self.assertEqual((order.state, order.price), (OrderState.WORKING, Decimal(9)))
        market.fill(order.tag, quantity=1)
        self.assertEqual(market.position(), 1)
        self.assertEqual(market.strategy.order(order.tag).remaining, 1)
        market.fill(order.tag)
        self.assertIsNone(market.strategy.order(order.tag))
        self.assertEqual(market.position(), 2)

    def test_a_change_under_way_is_still_to_be_answered(self):
        market = Harness(Quoter)
        market.trade(10)
        live = market.strategy
        (order,) = live.orders
        live.amend(order.tag, price=Decimal(8))
        self.assertTrue(order.amending)

        def told(event):
            return OrderUpdate(1, order.tag, 0, Side.BUY, event, Decimal(2), Decimal(0), False)

        live._note_order(told(ChangeRefused(118, "")))
        self.assertTrue(order.amending)
        live._note_order(told(ChangeRefused(1, "")))
        self.assertFalse(order.amending)
        self.assertEqual(order.price, Decimal(9))

    def test_an_order_of_the_hosts_is_known_from_its_first_news(self):
        market = Harness(Quoter)
        live = market.strategy
        update = OrderUpdate(1, 77, 0, Side.SELL, Accepted(), Decimal(3), Decimal(0), False)
        live._note_order(update)
        self.assertIsNone(live.order(77).kind)
        fill = Filled("1", Decimal(10), Decimal(3), Decimal(0), Liquidity.MAKER)
        live._note_order(OrderUpdate(2, 77, 0, Side.SELL, fill, Decimal(3), Decimal(3), True))
        self.assertIsNone(live.order(77))
        self.assertEqual(market.position(), -3)


if __name__ == "__main__":
    unittest.main()
