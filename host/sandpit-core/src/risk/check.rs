//! The limits, in a fixed order, each for the plugin and then for the account. What could happen
//! counts as if it had: working orders are filled, all of one side.

use crate::{
    engine::Flaws,
    ids::InstrumentId,
    instrument::Instrument,
    market::Side,
    num::{Money, Price, Quantity},
    order::{Order, OrderKind},
    plugin::TradingState,
    risk::{
        Approved, BasisPoints, Denial, Exposure, Limits, Scope, form::reference_price,
        throttle::Throttle,
    },
    time::{Nanos, UnixNanos},
};

/// What is known of the order's market.
#[derive(Clone, Copy)]
pub(crate) struct MarketView {
    pub(crate) mark: Option<Price>,
    /// How long nothing was heard of it.
    pub(crate) age: Nanos,
    pub(crate) now: UnixNanos,
}

/// One scope as the checks see it.
#[derive(Clone, Copy)]
pub(crate) struct ScopeView<'a> {
    pub(crate) scope: Scope,
    pub(crate) limits: &'a Limits,
    pub(crate) state: TradingState,
    /// In the order's instrument, without the order.
    pub(crate) exposure: Exposure,
    /// Sum of worst-case notionals in all *other* instruments.
    pub(crate) other_gross: Money,
    /// Signed sums of the same, with all buys filled, and with all sells.
    pub(crate) other_net: [Money; 2],
    pub(crate) equity: Money,
    pub(crate) open_orders: u32,
    pub(crate) throttle: &'a Throttle,
}

/// What is done with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It is new.
    New,
    /// It is one that works, in another form.
    Change,
    /// It is one that was approved before: its trigger was reached, or it comes in the place of
    /// another.
    Resume,
}

/// What an order does to a scope, new or as a change of an old one.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) kind: OrderKind,
    /// Total quantity of the order.
    pub(crate) quantity: Quantity,
    /// What is not filled of it.
    pub(crate) remaining: Quantity,
    pub(crate) reduce_only: bool,
    pub(crate) act: Act,
    /// What it is in the host's own plans.
    pub(crate) purpose: Purpose,
}

impl Candidate {
    /// Whether it can only make the position of its scope smaller.
    fn shrinks(&self, exposure: &Exposure) -> bool {
        self.purpose == Purpose::Plain
            && (self.reduce_only || self.remaining <= exposure.reducible(self.side))
    }
}

/// What an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// It stands alone.
    Plain,
    /// It is the entry of a bracket: reduce-only exits on the other side will follow.
    Entry,
    /// The host places it as the exit of a bracket. Its effect was counted with its entry's.
    Exit,
    /// The host places it to protect a position, at the operator's wish. The plugin neither sees
    /// it nor can it end it.
    Protective,
    /// The host places it to close a position, at the operator's wish or a guard's.
    Flatten,
}

impl Purpose {
    /// Whether the host places it on its own account. Such an order only ever shrinks a position
    /// and passes whatever the limits say.
    #[must_use]
    pub const fn is_host(self) -> bool {
        matches!(self, Self::Exit | Self::Protective | Self::Flatten)
    }

    /// Whether its plugin knows it by a tag of its own.
    #[must_use]
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Plain | Self::Entry | Self::Exit)
    }
}

/// Asks both scopes and, when neither objects, approves.
pub(crate) fn approve<F: Flaws>(
    order: Order,
    instrument: &Instrument,
    market: MarketView,
    scopes: [ScopeView<'_>; 2],
    purpose: Purpose,
    act: Act,
) -> Result<Approved<Order>, Denial> {
    let candidate = Candidate {
        instrument: order.instrument,
        side: order.side,
        kind: order.kind,
        quantity: order.quantity,
        remaining: order.quantity,
        reduce_only: order.reduce_only,
        act,
        purpose,
    };
    check::<F>(&candidate, instrument, market, scopes)?;
    Ok(Approved::mint(order))
}

/// Asks both scopes whether a change may be made and, when neither objects, approves it.
pub(crate) fn approve_change<F: Flaws, T>(
    change: T,
    candidate: &Candidate,
    instrument: &Instrument,
    market: MarketView,
    scopes: [ScopeView<'_>; 2],
) -> Result<Approved<T>, Denial> {
    check::<F>(candidate, instrument, market, scopes)?;
    Ok(Approved::mint(change))
}

fn check<F: Flaws>(
    candidate: &Candidate,
    instrument: &Instrument,
    market: MarketView,
    scopes: [ScopeView<'_>; 2],
) -> Result<(), Denial> {
    for view in &scopes {
        check_sums(candidate, view)?;
    }
    // The plugin's own position, since that is what the venue's reduce-only cannot see.
    check_reduce_only(candidate, &scopes[0])?;
    // What the host sends on its own account only shrinks a position and never waits for room:
    // what an exit can do was counted when its entry was approved.
    if !candidate.purpose.is_host() {
        let shrinks = candidate.shrinks(&scopes[0].exposure);
        for view in &scopes {
            check_market(candidate, market, view, shrinks)?;
            check_order(candidate, instrument, market, view, shrinks)?;
            check_position(candidate, instrument, market.mark, view)?;
        }
    }
    for view in &scopes {
        check_state::<F>(candidate, view)?;
    }
    Ok(())
}

fn check_state<F: Flaws>(candidate: &Candidate, view: &ScopeView<'_>) -> Result<(), Denial> {
    let denied = Denial::TradingState { scope: view.scope, state: view.state };
    match view.state {
        TradingState::Active => Ok(()),
        TradingState::Reducing | TradingState::Halted if candidate.purpose.is_host() => Ok(()),
        // By side *and* size: an oversized order would flip the position.
        TradingState::Reducing
            if candidate.remaining <= view.exposure.reducible(candidate.side)
                || (F::REDUCES_BY_SIDE_ONLY
                    && view.exposure.reducible(candidate.side) > Quantity::ZERO) =>
        {
            Ok(())
        }
        TradingState::Reducing | TradingState::Halted => Err(denied),
    }
}

/// Largest sum of a position and all working orders, in raw units: one more order of any size
/// cannot overflow an `i64`.
const QUANTITY_SUM_MAX: i64 = 1_000_000_000_000_000_000;

fn check_sums(candidate: &Candidate, view: &ScopeView<'_>) -> Result<(), Denial> {
    let mut after = view.exposure;
    after.work(candidate.side, candidate.reduce_only, candidate.remaining);
    let working = after.buying + after.selling;
    let reducing = after.reducing_buys + after.reducing_sells;
    if (after.position.abs() + working + reducing).0 > QUANTITY_SUM_MAX {
        return Err(Denial::NumberOverflow);
    }
    Ok(())
}

fn check_reduce_only(candidate: &Candidate, plugin: &ScopeView<'_>) -> Result<(), Denial> {
    let held = match candidate.side {
        Side::Buy => -plugin.exposure.position,
        Side::Sell => plugin.exposure.position,
    };
    // Size is clipped at fill time, since several exits of one position may work side by side.
    if candidate.reduce_only && held <= Quantity::ZERO {
        return Err(Denial::NotReducing);
    }
    Ok(())
}

/// Prices that are far off or old. An order that was approved before is not held back: a stop whose
/// trigger is reached has to go.
fn check_market(
    candidate: &Candidate,
    market: MarketView,
    view: &ScopeView<'_>,
    shrinks: bool,
) -> Result<(), Denial> {
    if candidate.act == Act::Resume {
        return Ok(());
    }
    let scope = view.scope;
    if let Some(limit) = view.limits.price_collar_max {
        let prices = [candidate.kind.trigger(), candidate.kind.limit()];
        for price in prices.into_iter().flatten() {
            let mark = market.mark.ok_or(Denial::NoMarketPrice)?;
            if !within(price, mark, limit) {
                return Err(Denial::PriceOutsideCollar { scope, price, mark, limit });
            }
        }
    }
    if let Some(limit) = view.limits.market_age_max
        && market.age > limit
        && !shrinks
    {
        return Err(Denial::MarketDataStale { scope, age: market.age, limit });
    }
    Ok(())
}

fn within(price: Price, mark: Price, limit: BasisPoints) -> bool {
    let distance = (i128::from(price.0) - i128::from(mark.0)).abs();
    distance * i128::from(BasisPoints::WHOLE.0) <= i128::from(mark.0) * i128::from(limit.0)
}

fn check_order(
    candidate: &Candidate,
    instrument: &Instrument,
    market: MarketView,
    view: &ScopeView<'_>,
    shrinks: bool,
) -> Result<(), Denial> {
    let scope = view.scope;
    if !candidate.reduce_only {
        if let Some(limit) = view.limits.of(candidate.instrument).order_quantity_max
            && candidate.quantity > limit
        {
            return Err(Denial::OrderQuantityAboveMax { scope, value: candidate.quantity, limit });
        }
        if let Some(limit) = view.limits.order_notional_max {
            let price =
                reference_price(candidate.kind, market.mark).ok_or(Denial::NoMarketPrice)?;
            let value =
                instrument.notional(price, candidate.quantity).ok_or(Denial::NumberOverflow)?;
            if value > limit {
                return Err(Denial::OrderNotionalAboveMax { scope, value, limit });
            }
        }
    }
    match candidate.act {
        Act::New => {
            let limit = view.limits.open_orders_max;
            if view.open_orders >= limit {
                return Err(Denial::OpenOrdersAboveMax { scope, limit });
            }
            view.throttle.check_order(scope, market.now, shrinks)
        }
        Act::Change => view.throttle.check_amend(scope, market.now, shrinks),
        Act::Resume => Ok(()),
    }
}

/// What may be traded at all: no order may lead to a position that is not allowed, nor let one grow.
/// One that is there already may always be left.
fn check_allowed(
    candidate: &Candidate,
    view: &ScopeView<'_>,
    after: &Exposure,
) -> Result<(), Denial> {
    let (scope, limits) = (view.scope, view.limits);
    let allowed = limits.instruments_allowed.as_ref();
    let elsewhere = allowed.is_some_and(|allowed| !allowed.contains(&candidate.instrument));
    let is_entry = candidate.purpose == Purpose::Entry;
    let exits = is_entry.then_some(candidate.side.opposite());
    for side in [Some(candidate.side), exits].into_iter().flatten() {
        let opens = match side {
            Side::Buy => after.worst(side, scope) > Quantity::ZERO,
            Side::Sell => after.worst(side, scope) < Quantity::ZERO,
        };
        if opens && elsewhere {
            return Err(Denial::InstrumentNotAllowed { scope });
        }
        if opens && !limits.sides_allowed.allow(side) {
            return Err(Denial::SideNotAllowed { scope, side });
        }
    }
    Ok(())
}

fn check_position(
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    view: &ScopeView<'_>,
) -> Result<(), Denial> {
    let (scope, side) = (view.scope, candidate.side);
    let mut after = view.exposure;
    after.work(side, candidate.reduce_only, candidate.remaining);
    let mut worst = after.worst(side, scope);
    let mut lowest = if side == Side::Sell { worst } else { Quantity::ZERO };
    if candidate.purpose == Purpose::Entry {
        after.plan_exits(side.opposite(), true);
        let other = after.worst(side.opposite(), scope);
        lowest = if side == Side::Buy { other } else { lowest };
        worst = if other.abs() > worst.abs() { other } else { worst };
    }
    check_allowed(candidate, view, &after)?;
    if lowest < Quantity::ZERO && !view.limits.short_allowed {
        return Err(Denial::ShortNotAllowed);
    }
    check_net(candidate, instrument, mark, view, &after)?;
    // What only shrinks the position passes the size limits: it must be possible to get out of a
    // position that has outgrown them.
    if candidate.remaining <= view.exposure.reducible(side) && candidate.purpose == Purpose::Plain {
        return Ok(());
    }
    if let Some(limit) = view.limits.of(candidate.instrument).position_quantity_max
        && worst.abs() > limit
    {
        return Err(Denial::PositionQuantityAboveMax { scope, value: worst.abs(), limit });
    }
    check_notionals(candidate, instrument, mark, view, (worst.abs(), after.worst_abs(scope)))
}

/// The limits in money, for the worst case of the order's side and that of both sides.
fn check_notionals(
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    view: &ScopeView<'_>,
    (worst, worst_of_both): (Quantity, Quantity),
) -> Result<(), Denial> {
    let (scope, limits) = (view.scope, view.limits);
    let of_position = limits.position_notional_max.is_some() || limits.concentration_max.is_some();
    if !of_position && !limits.ask_gross() {
        return Ok(());
    }
    // The dearer of both: a limit buy below the market is still a position at the market's price.
    let reference = reference_price(candidate.kind, mark).ok_or(Denial::NoMarketPrice)?;
    let price = mark.map_or(reference, |mark| mark.max(reference));
    let notional = |quantity| instrument.notional(price, quantity).ok_or(Denial::NumberOverflow);
    let equity = view.equity.max(Money::ZERO);
    let value = notional(worst)?;
    if let Some(limit) = limits.position_notional_max
        && value > limit
    {
        return Err(Denial::PositionNotionalAboveMax { scope, value, limit });
    }
    let gross = view.other_gross + notional(worst_of_both)?;
    if let Some(limit) = limits.gross_notional_max
        && gross > limit
    {
        return Err(Denial::GrossNotionalAboveMax { scope, value: gross, limit });
    }
    if let Some(limit) = limits.leverage_max.map(|share| share.of(equity))
        && gross > limit
    {
        return Err(Denial::LeverageAboveMax { scope, value: gross, limit });
    }
    if let Some(limit) = limits.concentration_max.map(|share| share.of(equity))
        && value > limit
    {
        return Err(Denial::ConcentrationAboveMax { scope, value, limit });
    }
    Ok(())
}

/// The signed sum, with everything filled on the order's side. It binds what shrinks a position,
/// too: the leg of a hedge that goes leaves the other one bare.
fn check_net(
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    view: &ScopeView<'_>,
    after: &Exposure,
) -> Result<(), Denial> {
    let Some(limit) = view.limits.net_notional_max else {
        return Ok(());
    };
    let scope = view.scope;
    let reference = reference_price(candidate.kind, mark).ok_or(Denial::NoMarketPrice)?;
    let mark = mark.unwrap_or(reference);
    let net = |side: Side| {
        let (sign, other) = match side {
            Side::Buy => (1, view.other_net[0]),
            Side::Sell => (-1, view.other_net[1]),
        };
        let worst = after.worst(side, scope);
        let grows = worst.0 * sign > 0;
        // At the price that makes it worse.
        let price = if grows { mark.max(reference) } else { mark.min(reference) };
        let own = instrument.notional(price, worst).ok_or(Denial::NumberOverflow)?;
        Ok(Money((other + own).0 * i128::from(sign)))
    };
    let mut value = net(candidate.side)?;
    if candidate.purpose == Purpose::Entry {
        value = value.max(net(candidate.side.opposite())?);
    }
    if value > limit {
        return Err(Denial::NetNotionalAboveMax { scope, value, limit });
    }
    Ok(())
}
