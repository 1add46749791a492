"""The base class of strategies."""

from __future__ import annotations

from typing import Any, ClassVar

from .context import Context, Session
from .orders import OrderUpdate
from .parameters import PARAMETERS_MAX, Parameter
from .records import (
    Bar,
    Bars,
    Budget,
    Depth,
    DepthLevels,
    Instrument,
    Position,
    Quote,
    Quotes,
    SavedState,
    StopReason,
    Trade,
    Trades,
    TradingState,
)


class Refused(Exception):
    """Raise it in `start` to refuse a session, or in `on_parameters` to keep the old parameters,
    with a reason for the operator."""


class Strategy(Context):
    """A strategy. Every handler that is left out does nothing.

    What `self` says of orders, positions, budget and time includes the event that is being
    handled. What is asked for through it takes effect after the handler has returned.

    An exception that is not caught ends the strategy: its trace goes to the log, what was asked
    for in that call is dropped, and the host decides what becomes of orders and positions.
    """

    #: Market data that is wanted. What is not asked for is never told.
    subscriptions: ClassVar[list[Trades | Quotes | Bars | DepthLevels]] = []
    #: Number of the layout of what `save` returns.
    state_schema: ClassVar[int] = 0

    _parameters: ClassVar[dict[str, Parameter]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        found = {
            name: value for name, value in vars(cls).items() if isinstance(value, Parameter)
        }
        cls._parameters = {**cls._parameters, **found}
        if len(cls._parameters) > PARAMETERS_MAX:
            raise TypeError("a strategy has at most 64 parameters")

    # ---------------------------------------------------------------- to be written

    def start(self, restored: SavedState | None) -> None:
        """Begins a session: instruments and parameters are there. `restored` is what an earlier
        instance saved. Raise `Refused` where this session cannot be traded."""

    def on_trade(self, trade: Trade) -> None:
        """A trade on the venue."""

    def on_quote(self, quote: Quote) -> None:
        """The best bid or ask changed."""

    def on_bar(self, bar: Bar) -> None:
        """A bar is complete."""

    def on_depth(self, depth: Depth) -> None:
        """The book changed."""

    def on_order(self, update: OrderUpdate) -> None:
        """News of an own order."""

    def on_position(self, position: Position) -> None:
        """The own position changed."""

    def on_budget(self, budget: Budget) -> None:
        """The own balance changed."""

    def on_timer(self, id: int) -> None:
        """A timer."""

    def on_trading_state(self, state: TradingState) -> None:
        """What the host lets through has changed."""

    def on_parameters(self, old: dict[str, Any]) -> None:
        """The operator changed parameters: `self` has the new values, `old` the ones before, by
        attribute. Raise `Refused` to keep the old ones, as this does."""
        raise Refused("this strategy takes up new parameters only when it is started")

    def save(self) -> bytes:
        """State for a hot swap or a restart."""
        return b""

    def stop(self, reason: StopReason) -> None:
        """The last call."""

    # ---------------------------------------------------------------- help

    def only_instrument(self) -> Instrument:
        """The session's one instrument; refuses the session where there are more or none."""
        if len(self.instruments) != 1:
            found = len(self.instruments)
            raise Refused(f"needs exactly one instrument, the session has {found}")
        return self.instruments[0]

    # ---------------------------------------------------------------- for component and harness

    def _start(self, session: Session) -> None:
        self._set_arguments(session.arguments)
        self._begin(session)
        self.start(session.restored)

    def _set_arguments(self, arguments: dict[str, Any]) -> None:
        values = {}
        for attribute, parameter in self._parameters.items():
            if parameter.name not in arguments:
                raise Refused(f"parameter `{parameter.name}` has no value")
            try:
                values[attribute] = parameter.check(arguments[parameter.name])
            except (TypeError, ValueError) as problem:
                raise Refused(str(problem)) from None
        vars(self).update(values)

    def _change_arguments(self, arguments: dict[str, Any]) -> None:
        old = {attribute: vars(self)[attribute] for attribute in self._parameters}
        asked = len(self._intents)
        self._set_arguments(arguments)
        try:
            self.on_parameters(old)
        except Refused:
            vars(self).update(old)
            del self._intents[asked:]
            raise
