"""The component's side: the exports of the contract over one strategy. Exists inside a component
alone, where `wit_world` is; `sandpit plugin build` writes the module that calls `handlers`."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import wit_world.exports as exports
from componentize_py_types import Err
from wit_world.imports import logging, types as w

from . import logs, orders as o, records as r
from .context import OrderState, OwnOrder, Session
from .numbers import from_wire, to_wire, use_exact_context
from .parameters import Choice, Flag, Integer, Number, Parameter
from .strategy import Refused, Strategy

#: Lines of a trace in the log.
_TRACE_LINES_MAX = 40

_AGGRESSORS = {w.Aggressor(each.value): each for each in r.Aggressor}
_SIDES = {w.Side(each.value): each for each in r.Side}


def _number(value: w.Decimal) -> Decimal:
    return from_wire(value.mantissa, value.scale)


def _sent(value: Decimal) -> w.Decimal:
    return w.Decimal(*to_wire(value))


def _sent_or_none(value: Decimal | None) -> w.Decimal | None:
    return None if value is None else _sent(value)


# -------------------------------------------------------------------- what is said


def _parameter(parameter: Parameter) -> w.Parameter:
    default = parameter.default
    if isinstance(parameter, Flag):
        kind: Any = w.ParameterType_Boolean(default)
    elif isinstance(parameter, Integer):
        kind = w.ParameterType_Integer(w.IntegerBounds(default, parameter.min, parameter.max))
    elif isinstance(parameter, Number):
        bounds = w.DecimalBounds(_sent(default), _sent(parameter.min), _sent(parameter.max))
        kind = w.ParameterType_Decimal(bounds)
    elif isinstance(parameter, Choice):
        kind = w.ParameterType_Choice(w.ChoiceBounds(default, parameter.options))
    else:
        kind = w.ParameterType_Text(w.TextBounds(default, parameter.max_bytes))
    return w.Parameter(parameter.name, parameter.summary, kind)


def _data_kind(data: Any) -> Any:
    match data:
        case r.Trades():
            return w.DataKind_Trades()
        case r.Quotes():
            return w.DataKind_Quotes()
        case r.Bars(seconds):
            return w.DataKind_Bars(seconds * 1_000_000_000)
        case r.DepthLevels(levels):
            return w.DataKind_Depth(levels)
    raise TypeError(f"{data!r} is no market data")


def _describe(strategy: type[Strategy], name: str, version: str, summary: str) -> w.Description:
    wanted = strategy.subscriptions
    warm_up = [
        w.WarmUp(_data_kind(data), data.history) for data in wanted if getattr(data, "history", 0)
    ]
    return w.Description(
        name,
        version,
        summary,
        [_parameter(each) for each in strategy._parameters.values()],
        [_data_kind(data) for data in wanted],
        warm_up,
        strategy.state_schema,
    )


def _order_kind(kind: o.OrderKind) -> Any:
    match kind:
        case o.Market():
            return w.OrderKind_Market()
        case o.Limit(price):
            return w.OrderKind_Limit(_sent(price))
        case o.Stop(trigger):
            return w.OrderKind_Stop(_sent(trigger))
        case o.StopLimit(trigger, limit):
            return w.OrderKind_StopLimit(w.StopLimit(_sent(trigger), _sent(limit)))
        case o.TakeProfit(trigger):
            return w.OrderKind_TakeProfit(_sent(trigger))
        case o.TrailingStop(None, points):
            return w.OrderKind_TrailingStop(w.TrailingOffset_BasisPoints(points))
        case o.TrailingStop(distance, _):
            return w.OrderKind_TrailingStop(w.TrailingOffset_Price(_sent(distance)))


def _time_in_force(said: o.TimeInForce) -> Any:
    match said.kind:
        case "gtc":
            return w.TimeInForce_Gtc()
        case "ioc":
            return w.TimeInForce_Ioc()
        case "fok":
            return w.TimeInForce_Fok()
    return w.TimeInForce_Gtd(said.time)


def _place(tag: int, order: o.Order) -> w.Place:
    return w.Place(
        tag,
        order.instrument,
        w.Side(order.side.value),
        _sent(order.quantity),
        _order_kind(order.kind),
        _time_in_force(order.time_in_force),
        order.post_only,
        order.reduce_only,
    )


def _intent(intent: o.Intent) -> Any:
    match intent:
        case o.Place(tag, order):
            return w.Intent_Place(_place(tag, order))
        case o.TargetPosition(tag, instrument, quantity, limit):
            wish = w.TargetPosition(tag, instrument, _sent(quantity), _sent_or_none(limit))
            return w.Intent_TargetPosition(wish)
        case o.Amend(tag, quantity, price):
            return w.Intent_Amend(w.Amend(tag, _sent_or_none(quantity), _sent_or_none(price)))
        case o.Cancel(tag):
            return w.Intent_Cancel(tag)
        case o.CancelAll(instrument):
            return w.Intent_CancelAll(instrument)
        case o.Bracket((entry_tag, stop_tag, profit_tag), entry, stop_loss, take_profit):
            wish = w.Bracket(
                _place(entry_tag, entry), stop_tag, _sent(stop_loss), profit_tag,
                _sent(take_profit),
            )
            return w.Intent_Bracket(wish)
        case o.SetTimer(id, at, every):
            return w.Intent_SetTimer(w.Timer(id, at, every))
        case o.CancelTimer(id):
            return w.Intent_CancelTimer(id)


# -------------------------------------------------------------------- what is told


def _instrument(told: w.Instrument) -> r.Instrument:
    return r.Instrument(
        told.id, told.symbol, told.venue, r.InstrumentKind(told.kind.value), told.base, told.quote,
        _number(told.price_tick), _number(told.quantity_step), _number(told.min_quantity),
        _number(told.max_quantity), _number(told.min_notional), _number(told.multiplier),
        _number(told.maker_fee), _number(told.taker_fee),
    )


def _position(told: w.Position) -> r.Position:
    return r.Position(
        told.instrument, told.time, _number(told.quantity), _number(told.entry_price),
        _number(told.realized_pnl),
    )


def _budget(told: w.Budget) -> r.Budget:
    return r.Budget(told.time, _number(told.balance), _number(told.equity), _number(told.fees))


def _arguments(told: list[w.Argument]) -> dict[str, Any]:
    return {
        each.name: _number(each.value.value)
        if isinstance(each.value, w.ParameterValue_Decimal)
        else each.value.value
        for each in told
    }


def _told_kind(told: Any) -> o.OrderKind:
    match told:
        case w.OrderKind_Limit(price):
            return o.Limit(_number(price))
        case w.OrderKind_Stop(trigger):
            return o.Stop(_number(trigger))
        case w.OrderKind_StopLimit(both):
            return o.StopLimit(_number(both.trigger), _number(both.limit))
        case w.OrderKind_TakeProfit(trigger):
            return o.TakeProfit(_number(trigger))
        case w.OrderKind_TrailingStop(w.TrailingOffset_Price(distance)):
            return o.TrailingStop(distance=_number(distance))
        case w.OrderKind_TrailingStop(w.TrailingOffset_BasisPoints(points)):
            return o.TrailingStop(basis_points=points)
    return o.Market()


def _own_order(told: w.OpenOrder) -> OwnOrder:
    return OwnOrder(
        told.tag, told.instrument, _SIDES[told.side], _number(told.quantity),
        _told_kind(told.kind), _number(told.filled), told.reduce_only, OrderState.WORKING,
    )


def _session(told: w.Session) -> Session:
    restored = told.restored
    return Session(
        mode=r.Mode(told.mode.value),
        time=told.time,
        seed=told.seed,
        instruments=[_instrument(each) for each in told.instruments],
        arguments=_arguments(told.arguments),
        budget=_budget(told.budget),
        currency=told.currency,
        trading_state=r.TradingState(told.trading_state.value),
        positions=[_position(each) for each in told.positions],
        orders=[_own_order(each) for each in told.orders],
        restored=restored
        and r.SavedState(restored.version, restored.schema, bytes(restored.data)),
    )


def _event(told: Any) -> o.OrderEvent:
    match told:
        case w.OrderEvent_Accepted():
            return o.Accepted()
        case w.OrderEvent_Denied(denial):
            return o.Denied(denial.code, denial.message)
        case w.OrderEvent_Rejected(words):
            return o.Rejected(words)
        case w.OrderEvent_Triggered():
            return o.Triggered()
        case w.OrderEvent_Amended():
            return o.Amended()
        case w.OrderEvent_ChangeRefused(denial):
            return o.ChangeRefused(denial.code, denial.message)
        case w.OrderEvent_Filled(fill):
            return o.Filled(
                fill.trade_id, _number(fill.price), _number(fill.quantity), _number(fill.fee),
                r.Liquidity(fill.liquidity.value),
            )
        case w.OrderEvent_Canceled():
            return o.Canceled()
        case w.OrderEvent_Expired():
            return o.Expired()
    return o.Unknown()


def _levels(told: w.Depth, prices: list[int], quantities: list[int]) -> list[r.Level]:
    return [
        r.Level(from_wire(price, told.price_scale), from_wire(quantity, told.quantity_scale))
        for price, quantity in zip(prices, quantities)
    ]


# -------------------------------------------------------------------- the exports


def _told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """An exception would trap without a word; this way its trace is in the strategy's log."""

    def guarded(*arguments: Any) -> Any:
        try:
            return handler(*arguments)
        except Err:
            raise
        except BaseException as problem:
            for line in _trace(problem)[-_TRACE_LINES_MAX:]:
                logs.error(line)
            raise

    return guarded


def _trace(problem: BaseException) -> list[str]:
    """Where it came from, innermost last. Without the lines of the source: to look for them would
    be to ask for files, and that ends a component."""
    frames = traceback.walk_tb(problem.__traceback__)
    lines = [f"  {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in frames]
    return [*lines, f"{type(problem).__name__}: {problem}"]


def _write(level: logs.Level, message: str) -> None:
    logging.log(logging.Level(level.value), message)


def strategy_of(module: Any) -> type[Strategy]:
    """The one strategy that an author's module defines."""
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Strategy) and each.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"strategy.py must define one strategy, not {len(found)}")
    return found[0]


def handlers(strategy: type[Strategy], name: str, version: str, summary: str) -> type:
    """The class that the contract's exports are called on."""

    class Handlers(exports.Handlers):
        # The class's, since the bindings make an object of it for each call.
        live: Strategy = strategy()

        @_told
        def describe(self) -> w.Description:
            return _describe(strategy, name, version, summary)

        @_told
        def start(self, session: w.Session) -> bool:
            use_exact_context()
            logs.set_writer(_write)
            try:
                self.live._start(_session(session))
            except Refused as refusal:
                raise Err(str(refusal)) from None
            return bool(self.live._intents)

        @_told
        def on_trade(self, told: w.Trade) -> bool:
            live, price, quantity = self.live, told.price, told.quantity
            live.time, live.is_history = told.time, told.history
            live.on_trade(
                r.Trade(
                    told.instrument,
                    told.time,
                    (price.mantissa, price.scale),
                    (quantity.mantissa, quantity.scale),
                    _AGGRESSORS[told.aggressor],
                    told.history,
                )
            )
            return bool(live._intents)

        @_told
        def on_quote(self, told: w.Quote) -> bool:
            self.live._at(told.time, told.history)
            self.live.on_quote(
                r.Quote(
                    told.instrument, told.time, _number(told.bid_price),
                    _number(told.bid_quantity), _number(told.ask_price),
                    _number(told.ask_quantity), told.history,
                )
            )
            return bool(self.live._intents)

        @_told
        def on_bar(self, told: w.Bar) -> bool:
            self.live._at(told.time, told.history)
            self.live.on_bar(
                r.Bar(
                    told.instrument, told.time, told.interval, _number(told.open),
                    _number(told.high), _number(told.low), _number(told.close),
                    _number(told.volume), told.history,
                )
            )
            return bool(self.live._intents)

        @_told
        def on_depth(self, told: w.Depth) -> bool:
            self.live._at(told.time)
            bids = _levels(told, told.bid_prices, told.bid_quantities)
            asks = _levels(told, told.ask_prices, told.ask_quantities)
            self.live.on_depth(r.Depth(told.instrument, told.time, bids, asks))
            return bool(self.live._intents)

        @_told
        def on_order(self, told: w.OrderUpdate) -> bool:
            self.live._at(told.time)
            update = o.OrderUpdate(
                told.time, told.tag, told.instrument, _SIDES[told.side], _event(told.event),
                _number(told.quantity), _number(told.filled), told.closed,
            )
            self.live._note_order(update)
            self.live.on_order(update)
            return bool(self.live._intents)

        @_told
        def on_position(self, told: w.Position) -> bool:
            self.live._at(told.time)
            position = _position(told)
            self.live._set_position(position)
            self.live.on_position(position)
            return bool(self.live._intents)

        @_told
        def on_budget(self, told: w.Budget) -> bool:
            self.live._at(told.time)
            self.live.budget = _budget(told)
            self.live.on_budget(self.live.budget)
            return bool(self.live._intents)

        @_told
        def on_timer(self, id: int, time: int) -> bool:
            self.live._at(time)
            self.live.on_timer(id)
            return bool(self.live._intents)

        @_told
        def on_trading_state(self, state: w.TradingState, time: int) -> bool:
            self.live._at(time)
            self.live.trading_state = r.TradingState(state.value)
            self.live.on_trading_state(self.live.trading_state)
            return bool(self.live._intents)

        @_told
        def on_parameters(self, arguments: list[w.Argument]) -> bool:
            try:
                self.live._change_arguments(_arguments(arguments))
            except Refused as refusal:
                raise Err(str(refusal)) from None
            return bool(self.live._intents)

        @_told
        def take_intents(self) -> list[Any]:
            return [_intent(each) for each in self.live._take_intents()]

        @_told
        def save(self) -> bytes:
            return self.live.save()

        @_told
        def stop(self, reason: w.StopReason) -> None:
            self.live.stop(r.StopReason(reason.value))

    return Handlers
