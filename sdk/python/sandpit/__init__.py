"""Write Sandpit strategies in Python.

A strategy is a class that derives from `Strategy`: it is told what the market did and what became
of its orders, and asks for things through its own methods. It can only wish; the host decides.

    from decimal import Decimal
    from sandpit import Strategy, Trade, Trades, number

    class BuyTheDip(Strategy):
        subscriptions = [Trades()]
        dip = number("0.01", min="0.0001", max="0.5", summary="Buy after a fall by this share")
        last: Decimal | None = None

        def on_trade(self, trade: Trade) -> None:
            last, self.last = self.last or trade.price, trade.price
            if trade.price <= last * (1 - self.dip):
                self.buy(trade.instrument, Decimal(1))

Prices, quantities and money are `decimal.Decimal`; a float that meets one raises. There is no
clock, no file and no network: time arrives in events, and random numbers come from
`Strategy.random`, the same in every run of the same seed.

What lives here: the base class, parameters, the records of the contract in Python's own types, the
log, signals, and a harness for unit tests that needs no WebAssembly (`sandpit.testing`). What does
not: anything of the host.
"""

from .context import OrderState, OwnOrder
from .logs import Level, debug, error, info, log, warn
from .numbers import Rounding, round_to_step, to_decimal
from .parameters import choice, flag, integer, number, text
from .rand import Random
from .records import (
    Aggressor,
    Bar,
    Bars,
    Budget,
    BracketTags,
    Depth,
    DepthLevels,
    Instrument,
    InstrumentKind,
    Level as BookLevel,
    Liquidity,
    Mode,
    Position,
    Quote,
    Quotes,
    SavedState,
    Side,
    StopReason,
    Trade,
    Trades,
    TradingState,
)
from .orders import (
    Accepted,
    Amended,
    Canceled,
    ChangeRefused,
    Denied,
    Expired,
    Filled,
    Limit,
    Market,
    Order,
    OrderUpdate,
    Rejected,
    Stop,
    StopLimit,
    TakeProfit,
    TimeInForce,
    TrailingStop,
    Triggered,
    Unknown,
)
from .strategy import Refused, Strategy

__all__ = [
    "Accepted", "Aggressor", "Amended", "Bar", "Bars", "BookLevel", "BracketTags", "Budget",
    "Canceled", "ChangeRefused", "Denied", "Depth", "DepthLevels", "Expired", "Filled",
    "Instrument", "InstrumentKind", "Level", "Limit", "Liquidity", "Market", "Mode", "Order",
    "OrderState", "OrderUpdate", "OwnOrder", "Position", "Quote", "Quotes", "Random", "Refused",
    "Rejected", "Rounding", "SavedState", "Side", "Stop", "StopLimit", "StopReason", "Strategy",
    "TakeProfit", "TimeInForce", "Trade", "Trades", "TradingState", "TrailingStop", "Triggered",
    "Unknown", "choice", "debug", "error", "flag", "info", "integer", "log", "number",
    "round_to_step", "text", "to_decimal", "warn",
]
