"""Statistical mean reversion on one-minute bars.

It keeps the last `window` log returns and fits a straight line through the closes with the standard
library's `statistics`: the residual of the newest close, in standard deviations, is how unusual the
price is. Below -`entry` it buys, above it sells short where that is allowed, and it is flat again
once the residual has come back within `exit`. The size aims at the same risk each time: `risk` of
the equity for one standard deviation of a bar.

It loses when an unusual move is the start of a trend: the line follows late, and until then it
holds against the market. Nothing here stops it out: the operator's protective stop does.
"""

import json
import math
from collections import deque
from decimal import Decimal
from statistics import StatisticsError, linear_regression, stdev

from sandpit import Bar, Bars, Refused, SavedState, Strategy, info, integer, number


class Reversion(Strategy):
    subscriptions = [Bars(seconds=60, history=120)]
    state_schema = 1

    window = integer(60, min=10, max=500, summary="Bars that the statistics are of")
    entry = number("2", min="0.5", max=10, summary="Residual that it trades against, in deviations")
    exit = number("0.5", min=0, max=5, summary="Residual at which it is flat again, in deviations")
    risk = number("0.001", min="0.00001", max="0.1", summary="Share of the equity for one deviation")

    def start(self, restored: SavedState | None) -> None:
        self.traded = self.only_instrument()
        if self.exit >= self.entry:
            raise Refused("`exit` must be below `entry`")
        self.closes: deque[float] = deque(maxlen=self.window + 1)
        if restored is not None and restored.schema == self.state_schema:
            self.closes.extend(json.loads(restored.data))

    def on_bar(self, bar: Bar) -> None:
        self.closes.append(float(bar.close))
        if len(self.closes) <= self.window:
            return
        residual, deviation = self.statistics()
        if deviation == 0:
            return
        held = self.position_in_flight(bar.instrument)
        if held == 0 and abs(residual) >= float(self.entry):
            size = self.size(bar.close, deviation)
            if size > 0:
                info(f"residual {residual:.2f}, deviation {deviation:.6f}")
                self.target_position(bar.instrument, size if residual < 0 else -size)
        elif held > 0 and residual >= -float(self.exit):
            self.target_position(bar.instrument, Decimal(0))
        elif held < 0 and residual <= float(self.exit):
            self.target_position(bar.instrument, Decimal(0))

    def statistics(self) -> tuple[float, float]:
        """How far the newest close is off the line through all, in deviations, and the deviation
        of one bar's log return."""
        logs = [math.log(close) for close in self.closes]
        try:
            slope, intercept = linear_regression(range(len(logs)), logs)
        except StatisticsError:
            return 0.0, 0.0
        residuals = [value - (intercept + slope * at) for at, value in enumerate(logs)]
        spread = stdev(residuals)
        returns = [later - earlier for earlier, later in zip(logs, logs[1:])]
        return (residuals[-1] / spread if spread > 0 else 0.0), stdev(returns)

    def size(self, price: Decimal, deviation: float) -> Decimal:
        """The quantity of which one deviation is `risk` of the equity, as the venue takes it."""
        one_deviation = float(price) * deviation
        wanted = float(self.budget.equity * self.risk) / one_deviation
        return self.traded.round_quantity(Decimal(f"{wanted:.8f}"))

    def save(self) -> bytes:
        return json.dumps(list(self.closes)).encode()
