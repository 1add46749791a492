"""A market in a unit test, without WebAssembly.

    market = Harness(MyStrategy, dip="0.05", quantity=1)
    market.trade("100", 1)
    market.trade("90", 1)
    assert market.position() == 1

Market orders and target positions fill at once at the last price, without fees; what waits for a
price stays open until `fill`, `cancel` or `deny` is called. That is a stand for the strategy's own
logic, not a model of the market: `sandpit backtest` has that.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from . import logs, orders as o
from .context import Session
from .numbers import to_decimal, use_exact_context
from .records import (
    Aggressor,
    Bar,
    Budget,
    Instrument,
    InstrumentKind,
    Liquidity,
    Mode,
    Position,
    Quote,
    SavedState,
    Side,
    StopReason,
    Trade,
)
from .strategy import Strategy

_SECOND = 1_000_000_000

#: What the harness trades where nothing else is said.
PLAIN = Instrument(
    id=0, symbol="BTCUSDT", venue="harness", kind=InstrumentKind.SPOT, base="BTC", quote="USDT",
    price_tick=Decimal("0.01"), quantity_step=Decimal("0.00000001"),
    min_quantity=Decimal("0.00000001"), max_quantity=Decimal(1_000_000),
    min_notional=Decimal(0), multiplier=Decimal(1), maker_fee=Decimal(0), taker_fee=Decimal(0),
)

Exact = Decimal | int | str


class Harness:
    """One strategy in a session of its own. Keyword arguments are parameters, by attribute."""

    def __init__(
        self,
        strategy: type[Strategy],
        *,
        instruments: list[Instrument] | None = None,
        budget: Exact = 1_000_000,
        seed: int = 0,
        restored: SavedState | None = None,
        **parameters: Any,
    ) -> None:
        use_exact_context()
        logs.take()
        unknown = set(parameters) - set(strategy._parameters)
        if unknown:
            raise TypeError(f"the strategy has no parameter {', '.join(sorted(unknown))}")
        arguments = {
            each.name: each.check(parameters.get(attribute, each.default))
            for attribute, each in strategy._parameters.items()
        }
        #: The strategy itself.
        self.strategy = strategy()
        #: All that was asked for, oldest first.
        self.intents: list[o.Intent] = []
        self._time = _SECOND
        self._last: dict[int, Decimal] = {}
        self._trades = 0
        money = to_decimal(budget)
        session = Session(
            mode=Mode.BACKTEST, time=self._time, seed=seed, instruments=instruments or [PLAIN],
            arguments=arguments, budget=Budget(self._time, money, money, Decimal(0)),
            currency="USDT", restored=restored,
        )
        self.strategy._start(session)
        self._carry_out()

    # ---------------------------------------------------------------- the market

    def trade(
        self, price: Exact, quantity: Exact = 1, *, instrument: int = 0,
        aggressor: Aggressor = Aggressor.UNKNOWN, history: bool = False,
    ) -> None:
        """A trade, one second after what was before."""
        now = self._tick(history)
        self._last[instrument] = to_decimal(price)
        self.strategy.on_trade(
            Trade(instrument, now, to_decimal(price), to_decimal(quantity), aggressor, history)
        )
        self._carry_out()

    def quote(
        self, bid: Exact, ask: Exact, quantity: Exact = 1, *, instrument: int = 0
    ) -> None:
        """A change of the best bid and ask."""
        now, each = self._tick(), to_decimal(quantity)
        self._last[instrument] = to_decimal(bid)
        self.strategy.on_quote(
            Quote(instrument, now, to_decimal(bid), each, to_decimal(ask), each)
        )
        self._carry_out()

    def bar(
        self, close: Exact, *, open: Exact | None = None, high: Exact | None = None,
        low: Exact | None = None, volume: Exact = 1, seconds: int = 60, instrument: int = 0,
        history: bool = False,
    ) -> None:
        """A bar of so many seconds that closes now."""
        self._time += (seconds - 1) * _SECOND
        now, end = self._tick(history), to_decimal(close)
        first = end if open is None else to_decimal(open)
        self._last[instrument] = end
        self.strategy.on_bar(
            Bar(
                instrument, now, seconds * _SECOND, first,
                max(first, end) if high is None else to_decimal(high),
                min(first, end) if low is None else to_decimal(low),
                end, to_decimal(volume), history,
            )
        )
        self._carry_out()

    def timer(self, id: int) -> None:
        """A timer, one second after what was before."""
        self._tick()
        self.strategy.on_timer(id)
        self._carry_out()

    # ---------------------------------------------------------------- own orders

    def fill(self, tag: int, price: Exact | None = None, quantity: Exact | None = None) -> None:
        """An open order trades: at its own price and for all that is left, unless said."""
        order = self._open(tag)
        at = order.price if price is None else to_decimal(price)
        if at is None:
            at = self._last[order.instrument]
        much = order.remaining if quantity is None else to_decimal(quantity)
        self._fill(tag, order.instrument, order.side, order.quantity, order.filled, at, much)
        self._carry_out()

    def cancel(self, tag: int) -> None:
        """An open order is canceled."""
        self._tell(tag, o.Canceled())

    def deny(self, tag: int, code: int, message: str = "") -> None:
        """The host refuses an order that is on its way."""
        self._tell(tag, o.Denied(code, message))

    def position(self, instrument: int = 0) -> Decimal:
        """The signed quantity of the own position."""
        return self.strategy.position(instrument).quantity

    # ---------------------------------------------------------------- the rest

    def set(self, **parameters: Any) -> None:
        """The operator changes parameters."""
        held = self.strategy._parameters
        values = {each.name: getattr(self.strategy, name) for name, each in held.items()}
        values.update({held[name].name: held[name].check(new) for name, new in parameters.items()})
        self.strategy._change_arguments(values)
        self._carry_out()

    def save(self) -> bytes:
        """What the strategy saves."""
        return self.strategy.save()

    def stop(self, reason: StopReason = StopReason.FINISHED) -> None:
        """Ends the session."""
        self.strategy.stop(reason)

    @staticmethod
    def log() -> list[tuple[logs.Level, str]]:
        """Lines of the strategy's log since this was last asked."""
        return logs.take()

    # ---------------------------------------------------------------- inside

    def _tick(self, history: bool = False) -> int:
        self._time += _SECOND
        self.strategy._at(self._time, history)
        return self._time

    def _open(self, tag: int) -> Any:
        order = self.strategy.order(tag)
        if order is None:
            raise KeyError(f"there is no open order {tag}")
        return order

    def _tell(self, tag: int, event: o.OrderEvent) -> None:
        order = self._open(tag)
        self._news(tag, order.instrument, order.side, event, order.quantity, order.filled, True)
        self._carry_out()

    def _news(
        self, tag: int, instrument: int, side: Side, event: o.OrderEvent, quantity: Decimal,
        filled: Decimal, closed: bool,
    ) -> None:
        self.strategy._at(self._time)
        update = o.OrderUpdate(
            self._time, tag, instrument, side, event, quantity, filled, closed
        )
        self.strategy._note_order(update)
        self.strategy.on_order(update)

    def _fill(
        self, tag: int, instrument: int, side: Side, quantity: Decimal, filled: Decimal,
        price: Decimal, much: Decimal,
    ) -> None:
        self._trades += 1
        event = o.Filled(str(self._trades), price, much, Decimal(0), Liquidity.TAKER)
        total = filled + much
        self._news(tag, instrument, side, event, quantity, total, total >= quantity)
        held = self.strategy.position(instrument)
        # Not an average over several fills: a stand, as the module says.
        entry = Decimal(0) if held.is_flat else price
        position = Position(instrument, self._time, held.quantity, entry, held.realized_pnl)
        self.strategy._set_position(position)
        self.strategy.on_position(position)

    def _carry_out(self) -> None:
        """Does what was asked for, and what is asked for on the way."""
        while taken := self.strategy._take_intents():
            self.intents += taken
            for intent in taken:
                self._carry_out_one(intent)

    def _carry_out_one(self, intent: o.Intent) -> None:
        match intent:
            case o.Place(tag, order):
                self._work(tag, order)
            case o.Bracket((tag, _, _), entry, _, _):
                self._work(tag, entry)
            case o.TargetPosition(tag, instrument, quantity, _):
                difference = quantity - self.position(instrument)
                if difference:
                    side = Side.BUY if difference > 0 else Side.SELL
                    much = abs(difference)
                    last = self._last[instrument]
                    self._fill(tag, instrument, side, much, Decimal(0), last, much)
            case o.Cancel(tag):
                if self.strategy.order(tag) is not None:
                    self._tell_closed(tag)
            case o.CancelAll(instrument):
                for order in self.strategy.orders:
                    if instrument is None or order.instrument == instrument:
                        self._tell_closed(order.tag)
            case o.Amend(tag, quantity, _):
                order = self.strategy.order(tag)
                if order is not None:
                    total = order.quantity if quantity is None else quantity
                    self._news(
                        tag, order.instrument, order.side, o.Amended(), total, order.filled, False
                    )

    def _work(self, tag: int, order: o.Order) -> None:
        zero = Decimal(0)
        self._news(
            tag, order.instrument, order.side, o.Accepted(), order.quantity, zero, False
        )
        if isinstance(order.kind, o.Market):
            last = self._last.get(order.instrument)
            if last is None:
                raise RuntimeError("a market order before the first price")
            self._fill(
                tag, order.instrument, order.side, order.quantity, zero, last, order.quantity
            )

    def _tell_closed(self, tag: int) -> None:
        order = self._open(tag)
        self._news(
            tag, order.instrument, order.side, o.Canceled(), order.quantity, order.filled, True
        )


def instrument(**changes: Any) -> Instrument:
    """`PLAIN` with other rules: `instrument(id=1, symbol="ETHUSDT")`."""
    return replace(PLAIN, **changes)
