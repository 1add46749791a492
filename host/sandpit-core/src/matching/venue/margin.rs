//! What plugins hold of one instrument at the venue, what that needs behind it, funding, and the
//! closing of positions whose margin is used up.

use alloc::vec::Vec;

use crate::{
    account::Position,
    ids::{ClientOrderId, PluginId},
    instrument::Instrument,
    market::{Funding, Side},
    matching::{
        desk::Desk,
        margin::{Liquidation, MarginRules, Stake},
        venue::Venue,
    },
    num::{Money, Price, Quantity, Rate},
    order::{Fill, ReportKind},
};

/// One plugin's share of one instrument, from the venue's own fills.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holding {
    pub(super) position: Position,
    /// What open orders that may grow the position would buy and sell. Kept where margin is.
    buying: Quantity,
    selling: Quantity,
    stake: Stake,
}

impl Holding {
    /// Realized PnL and funding, without fees.
    pub(super) fn cash(&self) -> Money {
        self.position.realized - self.position.funding - self.position.fees
    }

    const fn ordered_mut(&mut self, side: Side) -> &mut Quantity {
        match side {
            Side::Buy => &mut self.buying,
            Side::Sell => &mut self.selling,
        }
    }

    /// The largest position, by size, that its orders could make of it.
    fn worst(&self, buying: Quantity, selling: Quantity) -> Quantity {
        let held = self.position.quantity.0;
        let long = held.saturating_add(buying.0).saturating_abs();
        let short = held.saturating_sub(selling.0).saturating_abs();
        Quantity(long.max(short))
    }
}

impl Venue {
    /// The venue tells its mark price.
    pub(in crate::matching) fn mark(&mut self, price: Price, desk: &mut Desk<'_>) {
        if price.0 <= 0 {
            return;
        }
        self.liquidity.set_mark(price);
        self.fire_seen(desk);
        self.revalue(desk);
    }

    /// Holders pay or get funding.
    pub(in crate::matching) fn fund(&mut self, funding: &Funding, desk: &mut Desk<'_>) {
        for holding in self.holdings.values_mut() {
            let paid = self.rules.funding(holding.position.quantity, funding);
            holding.position.funding += paid.unwrap_or(Money::ZERO);
        }
        self.restake_all(desk);
    }

    pub(in crate::matching) fn cash(&self, plugin: PluginId) -> Money {
        self.holdings.get(&plugin).map_or(Money::ZERO, Holding::cash)
    }

    pub(in crate::matching) fn position(&self, plugin: PluginId) -> Quantity {
        self.holdings.get(&plugin).map_or(Quantity::ZERO, |holding| holding.position.quantity)
    }

    /// Values positions anew where their price may have moved.
    pub(super) fn revalue(&mut self, desk: &mut Desk<'_>) {
        if desk.shared.wallets.enabled && self.liquidity.valuation() != self.valued_at {
            self.restake_all(desk);
        }
    }

    fn restake_all(&mut self, desk: &mut Desk<'_>) {
        if !desk.shared.wallets.enabled {
            return;
        }
        self.valued_at = self.liquidity.valuation();
        let Self { rules, margin, valued_at, holdings, .. } = self;
        for (plugin, holding) in holdings {
            let stake = stake(rules, margin.as_ref(), *valued_at, holding);
            desk.shared.wallets.restake(*plugin, &holding.stake, &stake);
            holding.stake = stake;
        }
    }

    /// Counts one plugin's share anew after a fill or a change of its orders.
    pub(super) fn restake(&mut self, plugin: PluginId, desk: &mut Desk<'_>) {
        if !desk.shared.wallets.enabled {
            return;
        }
        self.valued_at = self.liquidity.valuation();
        let Self { rules, margin, valued_at, holdings, .. } = self;
        let holding = holdings.entry(plugin).or_default();
        let stake = stake(rules, margin.as_ref(), *valued_at, holding);
        desk.shared.wallets.restake(plugin, &holding.stake, &stake);
        holding.stake = stake;
    }

    /// Counts what an order may still do: all that remains of it, or nothing once it is over.
    pub(super) fn recount(&mut self, id: ClientOrderId, over: bool, desk: &mut Desk<'_>) {
        if !desk.shared.wallets.enabled {
            return;
        }
        let Some(live) = self.orders.get_mut(&id) else {
            return;
        };
        let open = if over || live.order.reduce_only { Quantity::ZERO } else { live.remaining() };
        let change = open - live.counted;
        live.counted = open;
        let holding = self.holdings.entry(id.plugin).or_default();
        let ordered = holding.ordered_mut(live.order.side);
        *ordered = Quantity(ordered.0.saturating_add(change.0));
        self.restake(id.plugin, desk);
    }

    /// Whether a plugin's margin carries `more` of a side, at the mark or, where there is none, at
    /// the order's own price.
    pub(super) fn has_margin_for(
        &self,
        plugin: PluginId,
        side: Side,
        more: Quantity,
        limit: Option<Price>,
        desk: &Desk<'_>,
    ) -> bool {
        let Some(rules) = self.margin.as_ref().filter(|_| desk.shared.wallets.enabled) else {
            return true;
        };
        let holding = self.holdings.get(&plugin).copied().unwrap_or_default();
        let Some(price) = self.liquidity.valuation().or(limit) else {
            return true;
        };
        let (buying, selling) = match side {
            Side::Buy => (Quantity(holding.buying.0.saturating_add(more.0)), holding.selling),
            Side::Sell => (holding.buying, Quantity(holding.selling.0.saturating_add(more.0))),
        };
        let worst = self.rules.notional(price, holding.worst(buying, selling));
        worst.is_some_and(|worst| {
            desk.shared.wallets.of(plugin).affords(&holding.stake, rules.initial(worst))
        })
    }

    /// Cancels a plugin's orders here and closes its position: with the best offers, as long as
    /// they are no worse than the price at which its margin is gone, and the rest at that price,
    /// where the venue itself takes it over. The fee is paid from what is left and never makes a
    /// debt.
    pub(in crate::matching) fn liquidate(&mut self, plugin: PluginId, desk: &mut Desk<'_>) {
        let Some(fee_rate) = self.margin.as_ref().map(MarginRules::liquidation_fee) else {
            return;
        };
        let all = self.orders.keys();
        let own: Vec<_> = all.filter(|id| id.plugin == plugin).copied().collect();
        for id in own {
            self.end(id, ReportKind::Canceled, desk);
        }
        let held = self.position(plugin);
        let Some(last_price) = self.bankruptcy_price(plugin, held, desk).filter(|_| held.0 != 0)
        else {
            return;
        };
        let side = if held.0 > 0 { Side::Sell } else { Side::Buy };
        let mut left = held.abs();
        let mut offers = core::mem::take(&mut self.offers);
        self.liquidity.offers(side, Some(last_price), left, None, &mut offers);
        let mut parts = Vec::new();
        for (price, available) in offers.drain(..) {
            let quantity = self.liquidity.whole(available.min(left));
            if !quantity.is_zero() {
                self.liquidity.take(side, price, quantity);
                parts.push((price, quantity));
                left -= quantity;
            }
        }
        self.offers = offers;
        if !left.is_zero() {
            parts.push((last_price, left));
        }
        self.close(plugin, side, &parts, fee_rate, desk);
    }

    fn close(
        &mut self,
        plugin: PluginId,
        side: Side,
        parts: &[(Price, Quantity)],
        fee_rate: Rate,
        desk: &mut Desk<'_>,
    ) {
        let Some(holding) = self.holdings.get_mut(&plugin) else {
            return;
        };
        let mut fee = Money::ZERO;
        for (price, quantity) in parts {
            let signed = side.signed(*quantity);
            let Some(notional) = self.rules.notional(*price, signed) else {
                continue;
            };
            holding.position.fill(signed, notional, Money::ZERO);
            fee += fee_rate.of(notional.abs());
        }
        self.restake(plugin, desk);
        let equity = desk.shared.wallets.of(plugin).equity();
        let fee = fee.min(equity.max(Money::ZERO));
        if let Some(holding) = self.holdings.get_mut(&plugin) {
            holding.position.fees += fee;
        }
        self.restake(plugin, desk);
        for (index, (price, quantity)) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let fill = Fill {
                trade_id: desk.next_trade(),
                price: *price,
                quantity: *quantity,
                fee: if is_last { fee } else { Money::ZERO },
                maker: false,
            };
            let (instrument, time) = (self.instrument, desk.now);
            desk.shared.liquidations.push(Liquidation { plugin, instrument, side, fill, time });
        }
    }

    /// The price at which closing `held` leaves nothing of the plugin's margin, on the tick and
    /// rounded so that it leaves no debt.
    fn bankruptcy_price(&self, plugin: PluginId, held: Quantity, desk: &Desk<'_>) -> Option<Price> {
        let value = self.rules.notional(self.valued_at?, held)?;
        let equity = desk.shared.wallets.of(plugin).equity();
        let tick = self.rules.price_tick();
        let per_tick = self.rules.notional(tick, held.abs()).filter(|step| step.0 > 0)?;
        // Of a long position, what it must bring; of a short one, what it may cost.
        let worth = (value - equity).0;
        let ticks = if held.0 > 0 {
            -(-worth).div_euclid(per_tick.0)
        } else {
            (-worth).div_euclid(per_tick.0)
        };
        let highest = Instrument::PRICE_MAX / tick.0;
        let ticks = i64::try_from(ticks.clamp(1, i128::from(highest))).ok()?;
        Some(Price(ticks * tick.0))
    }
}

/// What a holding adds to its owner's margin account. Numbers out of bounds change nothing.
fn stake(
    rules: &Instrument,
    margin: Option<&MarginRules>,
    price: Option<Price>,
    holding: &Holding,
) -> Stake {
    let cost = holding.position.cost;
    let Some(margin) = margin else {
        let equity = holding.cash() - cost.max(Money::ZERO);
        return Stake { equity, ..Stake::default() };
    };
    let Some(price) = price else {
        return Stake { equity: holding.cash(), ..Stake::default() };
    };
    let worst = holding.worst(holding.buying, holding.selling);
    let value = rules.notional(price, holding.position.quantity);
    let (Some(value), Some(worst)) = (value, rules.notional(price, worst)) else {
        return holding.stake;
    };
    Stake {
        equity: holding.cash() + value - cost,
        initial: margin.initial(worst),
        maintenance: margin.maintenance(value),
    }
}
