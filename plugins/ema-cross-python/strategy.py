"""Crossing of two exponential averages of the trades, long or flat: the same strategy as
`plugins/ema-cross`, with the same intents on the same tape.

It follows the price of every trade with a fast and a slow average. When the fast one rises above
the slow one it wants to hold `quantity`, when it falls below, nothing. It loses in a market that
goes sideways, where each turn costs the spread and two taker fees.
"""

from decimal import Decimal

from sandpit import SavedState, Strategy, Trade, Trades, integer, number
from sandpit.signals import Ema


class EmaCross(Strategy):
    subscriptions = [Trades(history=20)]

    fast = integer(10, min=1, max=5_000, summary="Length of the fast average, in trades")
    slow = integer(20, min=2, max=10_000, summary="Length of the slow average, in trades")
    quantity = number(1, min="0.00000001", max=1_000_000, summary="Quantity of one order")

    def start(self, restored: SavedState | None) -> None:
        self.only_instrument()
        self.fast_average = Ema(self.fast)
        self.slow_average = Ema(self.slow)
        self.above = False

    def on_trade(self, trade: Trade) -> None:
        price = trade.price_float
        above = self.fast_average.update(price) > self.slow_average.update(price)
        was_above, self.above = self.above, above
        if above != was_above and self.slow_average.is_warm:
            self.target_position(trade.instrument, self.quantity if above else Decimal(0))
