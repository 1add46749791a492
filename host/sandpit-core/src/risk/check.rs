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
    risk::{Approved, Denial, Limits, Scope, form::reference_price},
};

/// What a scope holds in one instrument, and what its working orders could add. Orders that may
/// grow a position and reduce-only ones are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Signed position.
    pub position: Quantity,
    /// Remaining quantity of working buys.
    pub buying: Quantity,
    /// Remaining quantity of working sells.
    pub selling: Quantity,
    /// Remaining quantity of working reduce-only buys; in an account, of each plugin no more than
    /// it has to reduce.
    pub reducing_buys: Quantity,
    /// The same of reduce-only sells.
    pub reducing_sells: Quantity,
    /// Brackets whose exits will be reduce-only buys.
    pub planned_exit_buys: u32,
    /// Brackets whose exits will be reduce-only sells.
    pub planned_exit_sells: u32,
}

impl Exposure {
    /// The position if all working orders of `side` were filled, and none of the other.
    ///
    /// A reduce-only order cannot flip a position, but it can be filled *before* the others of its
    /// side and so make way for them. For a plugin the position then counts as gone. In an account
    /// it moves the sum of all positions by what its plugin has to reduce.
    #[must_use]
    pub fn worst(&self, side: Side, scope: Scope) -> Quantity {
        let (sign, working, reducing, planned) = match side {
            Side::Buy => (1, self.buying, self.reducing_buys, self.planned_exit_buys),
            Side::Sell => (-1, self.selling, self.reducing_sells, self.planned_exit_sells),
        };
        let toward = self.position.0 * sign;
        let worst = match scope {
            Scope::Account => toward + working.0 + reducing.0,
            Scope::Plugin if reducing.is_zero() && planned == 0 => toward + working.0,
            Scope::Plugin => toward.max(0) + working.0,
        };
        Quantity(worst * sign)
    }

    /// The larger of both worst cases, without its sign.
    #[must_use]
    pub fn worst_abs(&self, scope: Scope) -> Quantity {
        self.worst(Side::Buy, scope).abs().max(self.worst(Side::Sell, scope).abs())
    }

    /// Notes a bracket whose exits are on `side`, or the end of one.
    pub(crate) fn plan_exits(&mut self, side: Side, planned: bool) {
        let count = match side {
            Side::Buy => &mut self.planned_exit_buys,
            Side::Sell => &mut self.planned_exit_sells,
        };
        *count = if planned { *count + 1 } else { *count - 1 };
    }

    /// Adds `quantity` (negative to take away) to what works on `side`.
    pub(crate) fn work(&mut self, side: Side, reduce_only: bool, quantity: Quantity) {
        *match (side, reduce_only) {
            (Side::Buy, false) => &mut self.buying,
            (Side::Sell, false) => &mut self.selling,
            (Side::Buy, true) => &mut self.reducing_buys,
            (Side::Sell, true) => &mut self.reducing_sells,
        } += quantity;
    }

    /// Follows, as the account's exposure, a change of one plugin's from `before` to `after`.
    pub(crate) fn follow(&mut self, before: &Self, after: &Self) {
        let effective = |of: &Self, side| match side {
            Side::Buy => of.reducing_buys.min((-of.position).max(Quantity::ZERO)),
            Side::Sell => of.reducing_sells.min(of.position.max(Quantity::ZERO)),
        };
        self.position += after.position - before.position;
        self.buying += after.buying - before.buying;
        self.selling += after.selling - before.selling;
        self.reducing_buys += effective(after, Side::Buy) - effective(before, Side::Buy);
        self.reducing_sells += effective(after, Side::Sell) - effective(before, Side::Sell);
        self.planned_exit_buys =
            self.planned_exit_buys + after.planned_exit_buys - before.planned_exit_buys;
        self.planned_exit_sells =
            self.planned_exit_sells + after.planned_exit_sells - before.planned_exit_sells;
    }

    /// How much of `side` would shrink the position, with what already works to shrink it.
    #[must_use]
    pub fn reducible(&self, side: Side) -> Quantity {
        let (held, pending) = match side {
            Side::Buy => (-self.position, self.buying + self.reducing_buys),
            Side::Sell => (self.position, self.selling + self.reducing_sells),
        };
        Quantity((held - pending).0.max(0))
    }
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
    pub(crate) open_orders: u32,
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
    /// Whether it is one more open order.
    pub(crate) is_new: bool,
    /// What it is in the host's own plans.
    pub(crate) purpose: Purpose,
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
    mark: Option<Price>,
    scopes: [ScopeView<'_>; 2],
    purpose: Purpose,
    is_new: bool,
) -> Result<Approved<Order>, Denial> {
    let candidate = Candidate {
        instrument: order.instrument,
        side: order.side,
        kind: order.kind,
        quantity: order.quantity,
        remaining: order.quantity,
        reduce_only: order.reduce_only,
        is_new,
        purpose,
    };
    check::<F>(&candidate, instrument, mark, scopes)?;
    Ok(Approved::mint(order))
}

/// Asks both scopes whether a change may be made and, when neither objects, approves it.
pub(crate) fn approve_change<F: Flaws, T>(
    change: T,
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    scopes: [ScopeView<'_>; 2],
) -> Result<Approved<T>, Denial> {
    check::<F>(candidate, instrument, mark, scopes)?;
    Ok(Approved::mint(change))
}

fn check<F: Flaws>(
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    scopes: [ScopeView<'_>; 2],
) -> Result<(), Denial> {
    for view in scopes {
        check_state::<F>(candidate, &view)?;
    }
    for view in scopes {
        check_sums(candidate, &view)?;
    }
    // The plugin's own position, since that is what the venue's reduce-only cannot see.
    check_reduce_only(candidate, &scopes[0])?;
    for view in scopes {
        check_order(candidate, instrument, mark, &view)?;
        check_position(candidate, instrument, mark, &view)?;
    }
    Ok(())
}

fn check_state<F: Flaws>(candidate: &Candidate, view: &ScopeView<'_>) -> Result<(), Denial> {
    let denied = Denial::TradingState { scope: view.scope, state: view.state };
    match view.state {
        TradingState::Active => Ok(()),
        // By side *and* size: an oversized order would flip the position.
        TradingState::Reducing | TradingState::Halted if candidate.purpose.is_host() => Ok(()),
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

fn check_order(
    candidate: &Candidate,
    instrument: &Instrument,
    mark: Option<Price>,
    view: &ScopeView<'_>,
) -> Result<(), Denial> {
    let scope = view.scope;
    if candidate.is_new
        && !candidate.purpose.is_host()
        && view.open_orders >= view.limits.open_orders_max
    {
        return Err(Denial::OpenOrdersAboveMax { scope, limit: view.limits.open_orders_max });
    }
    if candidate.reduce_only {
        return Ok(());
    }
    if let Some(limit) = view.limits.of(candidate.instrument).order_quantity_max
        && candidate.quantity > limit
    {
        return Err(Denial::OrderQuantityAboveMax { scope, value: candidate.quantity, limit });
    }
    if let Some(limit) = view.limits.order_notional_max {
        let price = reference_price(candidate.kind, mark).ok_or(Denial::NoMarketPrice)?;
        let value = instrument.notional(price, candidate.quantity).ok_or(Denial::NumberOverflow)?;
        if value > limit {
            return Err(Denial::OrderNotionalAboveMax { scope, value, limit });
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
    // An exit never waits for room: what it can do was counted when its entry was approved.
    if candidate.purpose.is_host() {
        return Ok(());
    }
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
    if lowest < Quantity::ZERO && !view.limits.short_allowed {
        return Err(Denial::ShortNotAllowed);
    }
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
    let (position_max, gross_max) =
        (view.limits.position_notional_max, view.limits.gross_notional_max);
    if position_max.is_none() && gross_max.is_none() {
        return Ok(());
    }
    // The dearer of both: a limit buy below the market is still a position at the market's price.
    let reference = reference_price(candidate.kind, mark).ok_or(Denial::NoMarketPrice)?;
    let price = mark.map_or(reference, |mark| mark.max(reference));
    let notional = |quantity| instrument.notional(price, quantity).ok_or(Denial::NumberOverflow);
    let value = notional(worst.abs())?;
    if let Some(limit) = position_max
        && value > limit
    {
        return Err(Denial::PositionNotionalAboveMax { scope, value, limit });
    }
    let value = view.other_gross + notional(after.worst_abs(scope))?;
    if let Some(limit) = gross_max
        && value > limit
    {
        return Err(Denial::GrossNotionalAboveMax { scope, value, limit });
    }
    Ok(())
}
