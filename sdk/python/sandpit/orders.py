"""Orders as a strategy wishes them, what it hears of them, and all that it can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .records import Liquidity, Side

# ---------------------------------------------------------------- kinds


@dataclass(frozen=True, slots=True)
class Market:
    """At once at any price."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At this price or better."""

    price: Decimal


@dataclass(frozen=True, slots=True)
class Stop:
    """Market once the last price reaches the trigger: at or above it for a buy, at or below it
    for a sell."""

    trigger: Decimal


@dataclass(frozen=True, slots=True)
class StopLimit:
    """Limit once the last price reaches the trigger."""

    trigger: Decimal
    limit: Decimal


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """Market once the last price reaches the trigger: at or below it for a buy, at or above it
    for a sell."""

    trigger: Decimal


@dataclass(frozen=True, slots=True)
class TrailingStop:
    """A stop that follows the market, by a distance in the quote asset or by hundredths of a
    percent of the best price (1 to 9,999): say one of the two."""

    distance: Decimal | None = None
    basis_points: int | None = None

    def __post_init__(self) -> None:
        if (self.distance is None) == (self.basis_points is None):
            raise ValueError("a trailing stop has a distance or basis points, not both")


OrderKind = Market | Limit | Stop | StopLimit | TakeProfit | TrailingStop


def price_of(kind: OrderKind | None) -> Decimal | None:
    """The price that an amendment changes: the limit, or the trigger where there is no limit."""
    match kind:
        case Limit(price) | Stop(price) | TakeProfit(price):
            return price
        case StopLimit(_, limit):
            return limit
    return None


def with_price(kind: OrderKind | None, price: Decimal) -> OrderKind | None:
    """The same kind with another `price_of`."""
    match kind:
        case Limit() | Stop() | TakeProfit():
            return type(kind)(price)
        case StopLimit(trigger, _):
            return StopLimit(trigger, price)
    return kind


@dataclass(frozen=True, slots=True)
class TimeInForce:
    """How long an order works. `GTC` until canceled; `IOC` what can be filled at once; `FOK` all
    at once or nothing; `TimeInForce.until(time)` until then."""

    kind: str = "gtc"
    time: int = 0

    @staticmethod
    def until(time: int) -> TimeInForce:
        """Until this time, in nanoseconds since 1970."""
        return TimeInForce("gtd", time)


GTC = TimeInForce("gtc")
IOC = TimeInForce("ioc")
FOK = TimeInForce("fok")


@dataclass(frozen=True, slots=True)
class Order:
    """Wish for one order, good till canceled unless said otherwise."""

    instrument: int
    side: Side
    #: Greater than zero and a multiple of the instrument's step.
    quantity: Decimal
    kind: OrderKind = Market()
    time_in_force: TimeInForce = GTC
    #: Only as maker: it is rejected where it would trade at once. Limit orders only.
    post_only: bool = False
    #: Only to shrink the position.
    reduce_only: bool = False


# ---------------------------------------------------------------- intents


@dataclass(frozen=True, slots=True)
class Place:
    """Wish for one order."""

    tag: int
    order: Order


@dataclass(frozen=True, slots=True)
class Amend:
    """Change a working order; what is `None` stays."""

    tag: int
    quantity: Decimal | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End an order."""

    tag: int


@dataclass(frozen=True, slots=True)
class CancelAll:
    """End all own orders of an instrument, or all."""

    instrument: int | None


@dataclass(frozen=True, slots=True)
class TargetPosition:
    """Wish for a position."""

    tag: int
    instrument: int
    quantity: Decimal
    limit: Decimal | None


@dataclass(frozen=True, slots=True)
class Bracket:
    """An entry with its exits."""

    tags: tuple[int, int, int]
    entry: Order
    stop_loss: Decimal
    take_profit: Decimal


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Wish to be woken."""

    id: int
    at: int
    every: int | None


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Wish not to be woken any more."""

    id: int


Intent = Place | Amend | Cancel | CancelAll | TargetPosition | Bracket | SetTimer | CancelTimer

# ---------------------------------------------------------------- news


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has it."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The host refused the intent; there is no order."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The venue refused the order, in its words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Triggered:
    """The trigger was reached."""


@dataclass(frozen=True, slots=True)
class Amended:
    """Price or quantity were changed as asked."""


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """A change or a cancel was refused; the order works on as it was."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Filled:
    """One execution."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    #: Positive is paid, negative is a rebate.
    fee: Decimal
    liquidity: Liquidity


@dataclass(frozen=True, slots=True)
class Canceled:
    """It was canceled."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Its time was over."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Its fate is not known; the host asks the venue and tells. Do not place it again."""


OrderEvent = (
    Accepted
    | Denied
    | Rejected
    | Triggered
    | Amended
    | ChangeRefused
    | Filled
    | Canceled
    | Expired
    | Unknown
)


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """News of an own order."""

    time: int
    tag: int
    instrument: int
    side: Side
    event: OrderEvent
    #: Total of the order after this event.
    quantity: Decimal
    #: Filled so far.
    filled: Decimal
    #: No more can happen to it, save for a fill that was under way.
    closed: bool
