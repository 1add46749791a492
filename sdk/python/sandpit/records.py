"""What the market did and what the strategy has, in Python's own types."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import Enum

from .numbers import Rounding, from_wire, round_to_step

_HALF = Decimal("0.5")
#: Powers of ten that a float holds exactly.
_POWERS = [float(10**exponent) for exponent in range(19)]


class Side(Enum):
    """Side of an order."""

    BUY = 0
    SELL = 1

    @property
    def opposite(self) -> Side:
        """The other one."""
        return Side.SELL if self is Side.BUY else Side.BUY

    def signed(self, quantity: Decimal) -> Decimal:
        """A positive quantity with this side's sign."""
        return quantity if self is Side.BUY else -quantity


class Aggressor(Enum):
    """Who demanded liquidity in a trade."""

    BUYER = 0
    SELLER = 1
    UNKNOWN = 2


class Liquidity(Enum):
    """Maker or taker."""

    MAKER = 0
    TAKER = 1


class InstrumentKind(Enum):
    """Kind of an instrument."""

    SPOT = 0
    PERPETUAL = 1
    FUTURE = 2


class TradingState(Enum):
    """What the host lets through: everything within limits, what shrinks a position, cancels."""

    ACTIVE = 0
    REDUCING = 1
    HALTED = 2


class Mode(Enum):
    """Where the session runs."""

    BACKTEST = 0
    PAPER = 1
    TESTNET = 2
    LIVE = 3


class StopReason(Enum):
    """Why the session is over."""

    FINISHED = 0
    OPERATOR = 1
    SWAPPED = 2


@dataclass(frozen=True, slots=True)
class Trades:
    """Every trade; `history` of them from before the session, at most 10,000."""

    history: int = 0


@dataclass(frozen=True, slots=True)
class Quotes:
    """Every change of the best bid or ask; `history` of them from before the session."""

    history: int = 0


@dataclass(frozen=True, slots=True)
class Bars:
    """Completed bars of so many seconds; `history` of them from before the session."""

    seconds: int
    history: int = 0


@dataclass(frozen=True, slots=True)
class DepthLevels:
    """This many levels a side on every change of the book: 1 to 50."""

    levels: int


class Trade:
    """One trade on the venue. Numbers become decimals when they are first asked for."""

    __slots__ = ("instrument", "time", "aggressor", "history", "_price", "_quantity")

    def __init__(
        self,
        instrument: int,
        time: int,
        price: Decimal | tuple[int, int],
        quantity: Decimal | tuple[int, int],
        aggressor: Aggressor = Aggressor.UNKNOWN,
        history: bool = False,
    ) -> None:
        #: Of what.
        self.instrument = instrument
        #: When the host saw it, in nanoseconds since 1970.
        self.time = time
        #: Who demanded liquidity.
        self.aggressor = aggressor
        #: It happened before the session: what is asked for while it is handled is forgotten.
        self.history = history
        self._price = price
        self._quantity = quantity

    @property
    def price(self) -> Decimal:
        """Greater than zero."""
        if type(self._price) is tuple:
            self._price = from_wire(*self._price)
        return self._price

    @property
    def quantity(self) -> Decimal:
        """Greater than zero."""
        if type(self._quantity) is tuple:
            self._quantity = from_wire(*self._quantity)
        return self._quantity

    @property
    def price_float(self) -> float:
        """The price as the nearest float, for signals only: faster than `float(trade.price)`."""
        if type(self._price) is tuple:
            mantissa, scale = self._price
            return float(mantissa) / _POWERS[scale]
        return float(self._price)

    def __repr__(self) -> str:
        return f"Trade({self.instrument}, {self.time}, {self.price}, {self.quantity})"


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask. A side without liquidity has quantity zero, and its price then means
    nothing."""

    instrument: int
    time: int
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal
    history: bool = False

    @property
    def mid(self) -> Decimal | None:
        """The middle between bid and ask, exact; `None` where a side is empty."""
        if self.bid_quantity > 0 and self.ask_quantity > 0:
            return (self.bid_price + self.ask_price) * _HALF
        return None


@dataclass(frozen=True, slots=True)
class Bar:
    """One completed bar, told at its close and never before."""

    instrument: int
    #: The end of the bar, exclusive.
    time: int
    #: Its length in nanoseconds.
    interval: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    #: Traded quantity; zero where the source does not say.
    volume: Decimal
    history: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a book."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Depth:
    """The best levels of the book, best first."""

    instrument: int
    time: int
    bids: list[Level]
    asks: list[Level]

    @property
    def mid(self) -> Decimal | None:
        """The middle between the best bid and the best ask, exact; `None` where a side is
        empty."""
        if self.bids and self.asks:
            return (self.bids[0].price + self.asks[0].price) * _HALF
        return None


@dataclass(frozen=True, slots=True)
class Instrument:
    """What the venue trades and its rules."""

    id: int
    symbol: str
    venue: str
    kind: InstrumentKind
    base: str
    quote: str
    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    multiplier: Decimal
    maker_fee: Decimal
    taker_fee: Decimal

    def round_price(self, price: Decimal, rounding: Rounding) -> Decimal:
        """The nearest price that the venue takes, as `rounding` says."""
        return round_to_step(price, self.price_tick, rounding)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """The largest quantity that the venue takes and that is not above `quantity`: zero where
        it would be below the minimum."""
        rounded = round_to_step(quantity, self.quantity_step, Rounding(ROUND_FLOOR))
        if rounded < self.min_quantity:
            return Decimal(0)
        return min(rounded, self.max_quantity)

    def notional(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Price x quantity x multiplier, exact."""
        return price * quantity * self.multiplier


@dataclass(frozen=True, slots=True)
class Position:
    """The own position in one instrument; other strategies' are invisible."""

    instrument: int
    #: When it last changed.
    time: int
    #: Signed: negative is short.
    quantity: Decimal = Decimal(0)
    #: Average entry price; zero when flat.
    entry_price: Decimal = Decimal(0)
    #: Since the session's start, without fees.
    realized_pnl: Decimal = Decimal(0)

    @property
    def is_flat(self) -> bool:
        """Whether there is none."""
        return self.quantity == 0


@dataclass(frozen=True, slots=True)
class Budget:
    """The own share of the account, in its currency."""

    time: int
    #: What was given plus realized PnL minus fees.
    balance: Decimal
    #: Balance plus unrealized PnL at the last price.
    equity: Decimal
    #: Fees paid since the session's start.
    fees: Decimal


@dataclass(frozen=True, slots=True)
class SavedState:
    """What an earlier instance saved."""

    version: str
    schema: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BracketTags:
    """Names of the three orders of a bracket."""

    entry: int
    stop_loss: int
    take_profit: int
