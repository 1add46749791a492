//! Between the core's types and the SDK's. The same values in other clothes: nothing is decided
//! here.

use sandpit_core::{
    ids::{OrderTag, TimerId},
    instrument::{Instrument, InstrumentKind},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::Side,
    num::{Decimal, Money, Price, Quantity},
    order::{OrderKind, TrailingOffset},
    plugin::{
        BudgetView, DepthView, OpenOrderView, OrderUpdate, OrderUpdateKind, PositionView,
        TradingState,
    },
    risk::DenialCode,
    time::{Nanos, UnixNanos},
};
use sandpit_sdk::wire;

/// Code of a change or cancel that the venue refused, as the host tells it: its own denials have
/// others.
const REFUSED_BY_VENUE: u16 = 0;

const fn to_wire(decimal: Decimal) -> wire::Decimal {
    wire::Decimal { mantissa: decimal.mantissa, scale: decimal.scale }
}

const fn from_wire(decimal: wire::Decimal) -> Decimal {
    Decimal::new(decimal.mantissa, decimal.scale)
}

fn money(amount: Money) -> wire::Decimal {
    to_wire(amount.to_decimal())
}

/// A raw price as the SDK's decimal.
pub(crate) fn price(instrument: &Instrument, price: Price) -> sandpit_sdk::Decimal {
    sandpit_sdk::Decimal::new(i128::from(price.0), instrument.price_scale())
}

/// A raw quantity as the SDK's decimal.
pub(crate) fn quantity(instrument: &Instrument, quantity: Quantity) -> sandpit_sdk::Decimal {
    sandpit_sdk::Decimal::new(i128::from(quantity.0), instrument.quantity_scale())
}

/// Money as the SDK's decimal, whole.
pub(crate) fn amount(amount: Money) -> sandpit_sdk::Decimal {
    sandpit_sdk::Decimal::new(amount.0, Money::SCALE).normalized()
}

pub(crate) const fn side(side: Side) -> wire::Side {
    match side {
        Side::Buy => wire::Side::Buy,
        Side::Sell => wire::Side::Sell,
    }
}

const fn core_side(side: wire::Side) -> Side {
    match side {
        wire::Side::Buy => Side::Buy,
        wire::Side::Sell => Side::Sell,
    }
}

pub(crate) const fn aggressor(aggressor: Option<Side>) -> wire::Aggressor {
    match aggressor {
        Some(Side::Buy) => wire::Aggressor::Buyer,
        Some(Side::Sell) => wire::Aggressor::Seller,
        None => wire::Aggressor::Unknown,
    }
}

pub(crate) const fn trading_state(state: TradingState) -> wire::TradingState {
    match state {
        TradingState::Active => wire::TradingState::Active,
        TradingState::Reducing => wire::TradingState::Reducing,
        TradingState::Halted => wire::TradingState::Halted,
    }
}

pub(crate) const fn core_trading_state(state: wire::TradingState) -> TradingState {
    match state {
        wire::TradingState::Active => TradingState::Active,
        wire::TradingState::Reducing => TradingState::Reducing,
        wire::TradingState::Halted => TradingState::Halted,
    }
}

pub(crate) fn instrument(id: u16, instrument: &Instrument) -> wire::Instrument {
    let spec = instrument.spec();
    wire::Instrument {
        id: u32::from(id),
        symbol: spec.symbol.clone(),
        venue: spec.venue.clone(),
        kind: match spec.kind {
            InstrumentKind::Spot => wire::InstrumentKind::Spot,
            InstrumentKind::Perpetual => wire::InstrumentKind::Perpetual,
            InstrumentKind::Future => wire::InstrumentKind::Future,
        },
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        price_tick: to_wire(spec.price_tick),
        quantity_step: to_wire(spec.quantity_step),
        min_quantity: to_wire(spec.min_quantity),
        max_quantity: to_wire(spec.max_quantity),
        min_notional: to_wire(spec.min_notional),
        multiplier: to_wire(spec.multiplier),
        maker_fee: to_wire(spec.maker_fee.to_decimal()),
        taker_fee: to_wire(spec.taker_fee.to_decimal()),
    }
}

pub(crate) fn position(instrument: &Instrument, view: &PositionView) -> wire::Position {
    wire::Position {
        instrument: u32::from(view.instrument.0),
        time: view.time.0,
        quantity: to_wire(instrument.quantity_decimal(view.quantity)),
        entry_price: to_wire(view.entry_price(instrument)),
        realized_pnl: money(view.realized_pnl),
    }
}

pub(crate) fn budget(view: &BudgetView) -> wire::Budget {
    wire::Budget {
        time: view.time.0,
        balance: money(view.balance),
        equity: money(view.equity),
        fees: money(view.fees),
    }
}

/// The budget without the currency, which a running strategy knows.
pub(crate) fn budget_numbers(view: &BudgetView) -> sandpit_sdk::Budget {
    sandpit_sdk::Budget {
        time: sandpit_sdk::Timestamp(view.time.0),
        balance: money(view.balance).into(),
        equity: money(view.equity).into(),
        fees: money(view.fees).into(),
    }
}

pub(crate) fn depth(instrument: &Instrument, view: &DepthView) -> wire::Depth {
    let prices = |side: &[(Price, Quantity)]| side.iter().map(|(price, _)| price.0).collect();
    let quantities = |side: &[(Price, Quantity)]| side.iter().map(|(_, size)| size.0).collect();
    wire::Depth {
        instrument: u32::from(view.instrument.0),
        time: view.time.0,
        price_scale: instrument.price_scale(),
        quantity_scale: instrument.quantity_scale(),
        bid_prices: prices(&view.bids),
        bid_quantities: quantities(&view.bids),
        ask_prices: prices(&view.asks),
        ask_quantities: quantities(&view.asks),
    }
}

pub(crate) fn order_kind(instrument: &Instrument, kind: OrderKind) -> wire::OrderKind {
    let price = |price| to_wire(instrument.price_decimal(price));
    match kind {
        OrderKind::Market => wire::OrderKind::Market,
        OrderKind::Limit(limit) => wire::OrderKind::Limit(price(limit)),
        OrderKind::Stop(trigger) => wire::OrderKind::Stop(price(trigger)),
        OrderKind::StopLimit { trigger, limit } => wire::OrderKind::StopLimit(wire::StopLimit {
            trigger: price(trigger),
            limit: price(limit),
        }),
        OrderKind::TakeProfit(trigger) => wire::OrderKind::TakeProfit(price(trigger)),
        OrderKind::TrailingStop(TrailingOffset::Price(distance)) => {
            wire::OrderKind::TrailingStop(wire::TrailingOffset::Price(price(distance)))
        }
        OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
            wire::OrderKind::TrailingStop(wire::TrailingOffset::BasisPoints(u32::from(points)))
        }
    }
}

pub(crate) fn open_order(instrument: &Instrument, view: &OpenOrderView) -> wire::OpenOrder {
    wire::OpenOrder {
        tag: view.tag.0,
        instrument: u32::from(view.instrument.0),
        side: side(view.side),
        kind: order_kind(instrument, view.kind),
        quantity: to_wire(instrument.quantity_decimal(view.quantity)),
        filled: to_wire(instrument.quantity_decimal(view.filled)),
        reduce_only: view.reduce_only,
    }
}

fn denied(code: DenialCode) -> wire::Denial {
    wire::Denial { code: code as u16, message: code.message().to_owned() }
}

pub(crate) fn order_update(instrument: &Instrument, update: &OrderUpdate) -> wire::OrderUpdate {
    let event = match &update.kind {
        OrderUpdateKind::Accepted => wire::OrderEvent::Accepted,
        OrderUpdateKind::Denied(code) => wire::OrderEvent::Denied(denied(*code)),
        OrderUpdateKind::Rejected(words) => wire::OrderEvent::Rejected(words.clone()),
        OrderUpdateKind::Triggered => wire::OrderEvent::Triggered,
        OrderUpdateKind::Amended => wire::OrderEvent::Amended,
        OrderUpdateKind::ChangeDenied(code) => wire::OrderEvent::ChangeRefused(denied(*code)),
        OrderUpdateKind::ChangeRejected(words) => wire::OrderEvent::ChangeRefused(wire::Denial {
            code: REFUSED_BY_VENUE,
            message: words.clone(),
        }),
        OrderUpdateKind::Filled(fill) => wire::OrderEvent::Filled(wire::Fill {
            trade_id: fill.trade_id.0.to_string(),
            price: to_wire(instrument.price_decimal(fill.price)),
            quantity: to_wire(instrument.quantity_decimal(fill.quantity)),
            fee: money(fill.fee),
            liquidity: if fill.maker { wire::Liquidity::Maker } else { wire::Liquidity::Taker },
        }),
        OrderUpdateKind::Canceled => wire::OrderEvent::Canceled,
        OrderUpdateKind::Expired => wire::OrderEvent::Expired,
        OrderUpdateKind::Unknown => wire::OrderEvent::Unknown,
    };
    wire::OrderUpdate {
        time: update.time.0,
        tag: update.tag.0,
        instrument: u32::from(update.instrument.0),
        side: side(update.side),
        event,
        quantity: to_wire(instrument.quantity_decimal(update.quantity)),
        filled: to_wire(instrument.quantity_decimal(update.filled)),
        closed: update.closed,
    }
}

fn place(place: wire::Place) -> Place {
    Place {
        tag: OrderTag(place.tag),
        instrument: place.instrument,
        side: core_side(place.side),
        quantity: from_wire(place.quantity),
        kind: match place.kind {
            wire::OrderKind::Market => PlaceKind::Market,
            wire::OrderKind::Limit(limit) => PlaceKind::Limit(from_wire(limit)),
            wire::OrderKind::Stop(trigger) => PlaceKind::Stop(from_wire(trigger)),
            wire::OrderKind::StopLimit(wire::StopLimit { trigger, limit }) => {
                PlaceKind::StopLimit { trigger: from_wire(trigger), limit: from_wire(limit) }
            }
            wire::OrderKind::TakeProfit(trigger) => PlaceKind::TakeProfit(from_wire(trigger)),
            wire::OrderKind::TrailingStop(wire::TrailingOffset::Price(distance)) => {
                PlaceKind::TrailingStop(WishedOffset::Price(from_wire(distance)))
            }
            wire::OrderKind::TrailingStop(wire::TrailingOffset::BasisPoints(points)) => {
                PlaceKind::TrailingStop(WishedOffset::BasisPoints(points))
            }
        },
        time_in_force: match place.time_in_force {
            wire::TimeInForce::Gtc => TimeInForce::Gtc,
            wire::TimeInForce::Ioc => TimeInForce::Ioc,
            wire::TimeInForce::Fok => TimeInForce::Fok,
            wire::TimeInForce::Gtd(until) => TimeInForce::Gtd(UnixNanos(until)),
        },
        post_only: place.post_only,
        reduce_only: place.reduce_only,
    }
}

/// A wish of the SDK as the core takes it.
pub(crate) fn intent(intent: wire::Intent) -> Intent {
    match intent {
        wire::Intent::Place(wish) => Intent::Place(place(wish)),
        wire::Intent::Amend(amend) => Intent::Amend(Amend {
            tag: OrderTag(amend.tag),
            quantity: amend.quantity.map(from_wire),
            price: amend.price.map(from_wire),
        }),
        wire::Intent::Cancel(tag) => Intent::Cancel(OrderTag(tag)),
        wire::Intent::CancelAll(instrument) => Intent::CancelAll(instrument),
        wire::Intent::TargetPosition(target) => Intent::TargetPosition(TargetPosition {
            tag: OrderTag(target.tag),
            instrument: target.instrument,
            quantity: from_wire(target.quantity),
            limit: target.limit.map(from_wire),
        }),
        wire::Intent::Bracket(bracket) => Intent::Bracket(Bracket {
            entry: place(bracket.entry),
            stop_loss_tag: OrderTag(bracket.stop_loss_tag),
            stop_loss: from_wire(bracket.stop_loss),
            take_profit_tag: OrderTag(bracket.take_profit_tag),
            take_profit: from_wire(bracket.take_profit),
        }),
        wire::Intent::SetTimer(timer) => Intent::SetTimer {
            id: TimerId(timer.id),
            at: UnixNanos(timer.at),
            every: timer.every.map(Nanos),
        },
        wire::Intent::CancelTimer(id) => Intent::CancelTimer(TimerId(id)),
    }
}
