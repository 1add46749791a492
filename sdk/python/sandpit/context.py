"""What a strategy knows and can ask for: book-keeping of its own orders and positions. The base
class of strategies stands on it; the host's word always wins."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from . import orders as o
from .numbers import to_decimal
from .orders import Intent, Order, OrderKind, OrderUpdate, price_of, with_price
from .rand import Random
from .records import BracketTags, Budget, Instrument, Mode, Position, SavedState, Side, TradingState

#: Code of a refusal because another change is under way: that one is still to be answered.
CHANGE_PENDING = 118

_ZERO = Decimal(0)


class OrderState(Enum):
    """Where an own order stands."""

    #: Asked for; neither host nor venue has spoken.
    PENDING = 0
    #: The venue has it.
    WORKING = 1
    #: Its trigger was reached and it works at the venue.
    TRIGGERED = 2
    #: Its fate is not known. It may be working or filled; do not place it again.
    UNKNOWN = 3


@dataclass(slots=True)
class OwnOrder:
    """An own order that is open."""

    tag: int
    instrument: int
    side: Side
    quantity: Decimal
    #: `None` where the host made the order: an exit of a bracket, or of a target position.
    kind: OrderKind | None = None
    filled: Decimal = _ZERO
    reduce_only: bool = False
    state: OrderState = OrderState.PENDING
    #: An amendment was asked for and not answered yet.
    amending: bool = False
    #: A cancel was asked for and not answered yet.
    canceling: bool = False
    _amended_price: Decimal | None = None

    @property
    def remaining(self) -> Decimal:
        """What has not traded yet."""
        return self.quantity - self.filled

    @property
    def price(self) -> Decimal | None:
        """The limit price, or the trigger where there is no limit."""
        return price_of(self.kind)

    @property
    def is_changeable(self) -> bool:
        """Whether it may be amended now: the venue has it, and no change is under way."""
        at_venue = self.state in (OrderState.WORKING, OrderState.TRIGGERED)
        return at_venue and not self.amending and not self.canceling


@dataclass(slots=True)
class Session:
    """What a session begins with."""

    mode: Mode
    time: int
    seed: int
    instruments: list[Instrument]
    arguments: dict[str, Any]
    budget: Budget
    currency: str
    trading_state: TradingState = TradingState.ACTIVE
    positions: list[Position] = field(default_factory=list)
    orders: list[OwnOrder] = field(default_factory=list)
    restored: SavedState | None = None


class Context:
    """The session as the strategy knows it. Its public members are inherited by `Strategy`."""

    # ---------------------------------------------------------------- what is known

    #: Now, in nanoseconds since 1970: the time of the event that is being handled.
    time: int
    #: Backtest, paper, testnet or live.
    mode: Mode
    #: The session's seed.
    seed: int
    #: Random numbers that are the same in every run of the same seed.
    random: Random
    #: All instruments of the session, in the order of their ids.
    instruments: list[Instrument]
    #: The account's currency.
    currency: str
    #: The own share of the account, as last told.
    budget: Budget
    #: What the host lets through.
    trading_state: TradingState
    #: Whether the event that is being handled is warm-up history.
    is_history: bool

    def _begin(self, session: Session) -> None:
        self.mode, self.time, self.seed = session.mode, session.time, session.seed
        self.random = Random(session.seed)
        self.instruments = sorted(session.instruments, key=lambda each: each.id)
        self.currency, self.budget = session.currency, session.budget
        self.trading_state, self.is_history = session.trading_state, False
        self._by_id = {each.id: each for each in self.instruments}
        self._positions = {each.id: Position(each.id, session.time) for each in self.instruments}
        for position in session.positions:
            self._set_position(position)
        self._orders = {order.tag: order for order in session.orders}
        self._tags = sorted(self._orders)
        # Tags go on after the largest that is in use.
        self._next_tag = (self._tags[-1] if self._tags else 0) + 1
        self._intents: list[Intent] = []

    def instrument(self, id: int) -> Instrument:
        """The instrument of this id."""
        return self._by_id[id]

    def find_instrument(self, symbol: str) -> Instrument | None:
        """The instrument of this symbol."""
        return next((each for each in self.instruments if each.symbol == symbol), None)

    def position(self, instrument: int) -> Position:
        """The own position, fills of the event that is being handled included."""
        return self._positions[instrument]

    @property
    def positions(self) -> list[Position]:
        """All own positions, flat ones included, in the order of their instruments."""
        return [self._positions[each.id] for each in self.instruments]

    def position_in_flight(self, instrument: int) -> Decimal:
        """The signed quantity that the own position will have once the own market orders on their
        way have filled. Orders that wait for a price do not count."""
        quantity = self._positions[instrument].quantity
        for order in self._orders.values():
            if order.instrument == instrument and isinstance(order.kind, o.Market):
                quantity += order.side.signed(order.remaining)
        return quantity

    @property
    def orders(self) -> list[OwnOrder]:
        """The own open orders, in the order of their tags; those on their way included."""
        return [self._orders[tag] for tag in self._tags]

    def order(self, tag: int) -> OwnOrder | None:
        """The own open order of this tag; `None` once it is over."""
        return self._orders.get(tag)

    # ---------------------------------------------------------------- what is asked for

    def buy(self, instrument: int, quantity: Decimal) -> int:
        """Asks for a market order to buy."""
        return self.place(Order(instrument, Side.BUY, quantity))

    def sell(self, instrument: int, quantity: Decimal) -> int:
        """Asks for a market order to sell."""
        return self.place(Order(instrument, Side.SELL, quantity))

    def place(self, order: Order) -> int:
        """Asks for an order. Its tag is its name in `order` and in the news of it."""
        to_decimal(order.quantity)
        tag = self._mint()
        if self._emit(o.Place(tag, order)):
            self._ask(tag, order)
        return tag

    def bracket(self, entry: Order, stop_loss: Decimal, take_profit: Decimal) -> BracketTags:
        """Asks for an entry with its exits: the stop's trigger and the take-profit's limit price.
        The host places the exits as the entry fills; when one fills the other is canceled."""
        tags = BracketTags(self._mint(), self._mint(), self._mint())
        names = (tags.entry, tags.stop_loss, tags.take_profit)
        if self._emit(o.Bracket(names, entry, to_decimal(stop_loss), to_decimal(take_profit))):
            self._ask(tags.entry, entry)
        return tags

    def target_position(
        self, instrument: int, quantity: Decimal, limit: Decimal | None = None
    ) -> int:
        """Asks for a position of this signed quantity: the host sends the difference as a market
        order, or as a limit order at `limit`, or none where it is below the minimum."""
        tag = self._mint()
        # Whether an order comes of it, and which, is the host's to say.
        self._emit(o.TargetPosition(tag, instrument, to_decimal(quantity), limit))
        return tag

    def amend(
        self, tag: int, *, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> None:
        """Asks for a change of a working order: a new total quantity (the filled part included), a
        new limit price (the trigger where there is no limit), or both."""
        order = self._orders.get(tag)
        if self._emit(o.Amend(tag, quantity, price)) and order is not None:
            # While another change is under way it will be refused, so it does not count.
            if not order.amending and not order.canceling:
                order.amending, order._amended_price = True, price

    def cancel(self, tag: int) -> None:
        """Asks for the end of an order."""
        order = self._orders.get(tag)
        if self._emit(o.Cancel(tag)) and order is not None:
            order.canceling = True

    def cancel_all(self, instrument: int | None = None) -> None:
        """Asks for the end of all own orders, of one instrument or of all."""
        if self._emit(o.CancelAll(instrument)):
            for order in self._orders.values():
                if instrument is None or order.instrument == instrument:
                    order.canceling = True

    def set_timer(self, id: int, after: int) -> None:
        """Asks to be woken once, so many nanoseconds from now. Takes the place of a timer of the
        same id."""
        self._emit(o.SetTimer(id, self.time + after, None))

    def set_timer_every(self, id: int, first: int, every: int) -> None:
        """Asks to be woken at `first` and again after each `every` nanoseconds, at least 1 ms."""
        self._emit(o.SetTimer(id, first, every))

    def cancel_timer(self, id: int) -> None:
        """Asks not to be woken by a timer any more."""
        self._emit(o.CancelTimer(id))

    def _mint(self) -> int:
        tag = self._next_tag
        self._next_tag += 1
        return tag

    def _emit(self, intent: Intent) -> bool:
        if self.is_history:
            return False
        self._intents.append(intent)
        return True

    def _ask(self, tag: int, order: Order) -> None:
        self._insert(
            OwnOrder(
                tag, order.instrument, order.side, order.quantity, order.kind,
                reduce_only=order.reduce_only,
            )
        )

    def _insert(self, order: OwnOrder) -> None:
        # A tag in use: the host will deny the new order, the old one works on.
        if order.tag not in self._orders:
            self._orders[order.tag] = order
            insort(self._tags, order.tag)

    # ---------------------------------------------------------------- what is told

    def _at(self, time: int, history: bool = False) -> None:
        self.time, self.is_history = time, history

    def _take_intents(self) -> list[Intent]:
        taken, self._intents = self._intents, []
        return taken

    def _set_position(self, position: Position) -> None:
        if position.instrument in self._positions:
            self._positions[position.instrument] = position

    def _note_order(self, update: OrderUpdate) -> None:
        self._update_order(update)
        # The position itself is told next; until then it must not lack what the order has.
        held = self._positions.get(update.instrument)
        if isinstance(update.event, o.Filled) and held is not None:
            quantity = held.quantity + update.side.signed(update.event.quantity)
            self._positions[update.instrument] = Position(
                held.instrument, held.time, quantity, held.entry_price, held.realized_pnl
            )

    def _update_order(self, update: OrderUpdate) -> None:
        if update.closed:
            if self._orders.pop(update.tag, None) is not None:
                self._tags.remove(update.tag)
            return
        if update.tag not in self._orders:
            # Made by the host.
            self._insert(OwnOrder(update.tag, update.instrument, update.side, update.quantity))
        order = self._orders[update.tag]
        order.quantity, order.filled = update.quantity, update.filled
        match update.event:
            case o.Accepted() | o.Filled():
                # The venue spoke of it, so it has it.
                if order.state is not OrderState.TRIGGERED:
                    order.state = OrderState.WORKING
            case o.Triggered():
                order.state = OrderState.TRIGGERED
            case o.Amended():
                order.amending = False
                if order._amended_price is not None:
                    order.kind = with_price(order.kind, order._amended_price)
                    order._amended_price = None
            case o.ChangeRefused(code, _):
                # Answers come in the order of the asking, and an amendment is never asked for
                # after a cancel.
                if code != CHANGE_PENDING:
                    if order.amending:
                        order.amending = False
                    else:
                        order.canceling = False
            case o.Unknown():
                order.state = OrderState.UNKNOWN
