//! The worst that can still happen, by what is true at the venue and under way: every order of one
//! side filled and none of the other. The limits are held against this, not against what the
//! engine believes.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    market::Side,
    num::{Money, Price, Quantity},
    order::Order,
    risk::{Limits, Scope},
};

use super::{
    queue::Ask,
    truth::Truth,
    violation::{Held, Invariant, broke},
};

/// What one plugin has in one instrument, and what could come to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Could {
    position: i64,
    buying: i64,
    selling: i64,
    reducing_buys: i64,
    reducing_sells: i64,
}

impl Could {
    fn work(&mut self, side: Side, reduce_only: bool, quantity: i64) {
        *match (side, reduce_only) {
            (Side::Buy, false) => &mut self.buying,
            (Side::Sell, false) => &mut self.selling,
            (Side::Buy, true) => &mut self.reducing_buys,
            (Side::Sell, true) => &mut self.reducing_sells,
        } += quantity;
    }

    /// The furthest position toward one side, counted positive that way. A reduce-only order takes
    /// away what is held the other way and no more, and so makes room for the others of its side.
    pub(super) fn reach(&self, side: Side) -> i64 {
        let (held, working, reducing) = match side {
            Side::Buy => (self.position, self.buying, self.reducing_buys),
            Side::Sell => (-self.position, self.selling, self.reducing_sells),
        };
        held + working + reducing.min((-held).max(0))
    }

    /// What of a side shrinks the position beside what works already.
    pub(super) const fn reducible(&self, side: Side) -> i64 {
        match side {
            Side::Buy => -self.position - self.buying - self.reducing_buys,
            Side::Sell => self.position - self.selling - self.reducing_sells,
        }
    }
}

/// The worst of every plugin in every instrument.
#[derive(Debug)]
pub(super) struct Worst(BTreeMap<(PluginId, InstrumentId), Could>);

impl Worst {
    /// `keeps_reduce_only` is whether the venue keeps such orders to what they reduce.
    pub(super) fn of(
        truth: &Truth,
        under_way: &BTreeMap<u64, Ask>,
        plugins: usize,
        instruments: usize,
        keeps_reduce_only: bool,
    ) -> Self {
        let mut all: BTreeMap<_, Could> = BTreeMap::new();
        for plugin in (0u16..).take(plugins).map(PluginId) {
            for instrument in (0u16..).take(instruments).map(InstrumentId) {
                let position = truth.holding(plugin, instrument).quantity.0;
                all.insert((plugin, instrument), Could { position, ..Could::default() });
            }
        }
        let mut work = |order: &Order, quantity: Quantity| {
            if let Some(could) = all.get_mut(&(order.plugin(), order.instrument)) {
                could.work(order.side, order.reduce_only && keeps_reduce_only, quantity.0);
            }
        };
        for known in truth.open_of_ours() {
            work(&known.order, known.remaining());
        }
        for ask in under_way.values() {
            match ask {
                Ask::Submit(order) => work(order, order.quantity),
                Ask::Amend { order, quantity: Some(quantity), .. } => {
                    if let Some(known) = truth.get(*order).filter(|known| known.is_open()) {
                        let more = *quantity - known.order.quantity;
                        work(&known.order, more.max(Quantity::ZERO));
                    }
                }
                Ask::Amend { .. } | Ask::Cancel(_) | Ask::Query(_) | Ask::Reconcile(_) => {}
            }
        }
        Self(all)
    }

    pub(super) fn get(&self, plugin: PluginId, instrument: InstrumentId) -> Could {
        self.0.get(&(plugin, instrument)).copied().unwrap_or_default()
    }

    /// The account's furthest position toward one side of an instrument.
    pub(super) fn of_account(&self, instrument: InstrumentId, side: Side) -> i64 {
        let own = self.0.iter().filter(|((_, of), _)| *of == instrument);
        own.map(|(_, could)| could.reach(side)).sum()
    }
}

/// Whether a reach toward one side is within a scope's quantities, give or take what nobody told
/// the host.
pub(super) fn within(
    scope: Scope,
    limits: &Limits,
    instrument: InstrumentId,
    (side, reach): (Side, i64),
    untold: Quantity,
) -> Held {
    let over = |limit: i64, what: &str| {
        let detail = format!(
            "{scope}, instrument {}: a {side:?} of {reach} could come of it, at most {limit}{what}",
            instrument.0
        );
        Err(broke(Invariant::Limits, detail))
    };
    if let Some(limit) = limits.of(instrument).position_quantity_max
        && reach > limit.0 + untold.0
    {
        return over(limit.0, "");
    }
    if side == Side::Sell && !limits.short_allowed && reach > untold.0 {
        return over(0, ", since nothing may be short");
    }
    Ok(())
}

/// Whether a plugin's notionals are within its limits at these marks. Asked when an order is sent;
/// later the market may have moved.
pub(super) fn worth(
    worst: &Worst,
    limits: &Limits,
    plugin: PluginId,
    (of, side): (InstrumentId, Side),
    rules: &[Instrument],
    marks: &[Option<Price>],
) -> Held {
    let value = |instrument: InstrumentId| -> Option<Money> {
        let at = usize::from(instrument.0);
        let furthest = Quantity(worst.get(plugin, instrument).reach(side).abs());
        if furthest.is_zero() {
            return Some(Money::ZERO);
        }
        rules[at].notional(marks[at]?, furthest)
    };
    let over = |what: &str, value: Money, limit: Option<Money>| match limit {
        Some(limit) if value > limit => {
            let detail = format!("plugin {}: {what} could be {value}, at most {limit}", plugin.0);
            Err(broke(Invariant::Limits, detail))
        }
        _ => Ok(()),
    };
    if let Some(value) = value(of) {
        over("position notional", value, limits.position_notional_max)?;
    }
    let all: Option<Vec<Money>> =
        (0u16..).take(rules.len()).map(|index| value(InstrumentId(index))).collect();
    match all {
        Some(all) => over("gross notional", all.into_iter().sum(), limits.gross_notional_max),
        None => Ok(()),
    }
}
