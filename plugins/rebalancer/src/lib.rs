//! Fixed shares of several instruments, restored by a timer.
//!
//! **What it does.** Every `interval-minutes` it values what it has, works out how much of each
//! instrument its share of the equity would buy, and asks for that position where it is off by
//! more than `band`. Without `weights` all instruments get the same share of `invested`.
//!
//! **When it loses.** With the market: it is always invested. It sells what rises to buy what
//! falls, so it lags behind a single winner and averages down a loser; each correction costs fees,
//! and a narrow band makes many.

mod weights;

use std::collections::BTreeMap;

use sandpit_sdk::prelude::*;

/// The one timer.
const TIMER: TimerId = TimerId(1);

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Minutes between corrections.
    #[param(default = 60, min = 1, max = 43_200)]
    interval_minutes: u32,
    /// Share of the equity that is invested in all.
    #[param(default = 0.9, min = 0, max = 1)]
    invested: Decimal,
    /// Relative distance from its share at which a position is corrected.
    #[param(default = 0.05, min = 0, max = 1)]
    band: Decimal,
    /// Weights by symbol, like `BTCUSDT=2 ETHUSDT=1`; empty for equal ones.
    #[param(default = "")]
    weights: String,
}

/// The strategy.
pub struct Rebalancer {
    params: Params,
    /// Share of the invested equity, by instrument; they sum to at most 1.
    shares: BTreeMap<InstrumentId, Decimal>,
    prices: BTreeMap<InstrumentId, Decimal>,
}

impl Rebalancer {
    /// Balance plus what the positions have gained at the last prices. The budget's own equity is
    /// told with fills only.
    fn equity(&self, ctx: &Context) -> Decimal {
        let unrealized =
            ctx.positions().iter().filter(|position| !position.is_flat()).map(|held| {
                let price = self.prices.get(&held.instrument).copied().unwrap_or(held.entry_price);
                ctx.instrument(held.instrument).notional(price - held.entry_price, held.quantity)
            });
        ctx.budget().balance + unrealized.sum()
    }

    fn rebalance(&self, ctx: &mut Context) {
        if ctx.trading_state() == TradingState::Halted {
            return;
        }
        let equity = self.equity(ctx);
        if !equity.is_positive() {
            return;
        }
        for (id, share) in &self.shares {
            // An order that is under way would be counted in, but its outcome is better known.
            let busy = ctx.orders().iter().any(|order| order.instrument == *id);
            let Some(price) = self.prices.get(id).copied().filter(|_| !busy) else {
                continue;
            };
            let rules = ctx.instrument(*id);
            let value = equity * self.params.invested * *share;
            let unit = price * rules.multiplier;
            let digits = rules.quantity_step.scale();
            let Some(exact) = value.checked_div(unit, digits, Rounding::Floor) else {
                continue;
            };
            let target = rules.round_quantity(exact);
            let held = ctx.position(*id).quantity;
            if (target - held).abs() > target * self.params.band {
                debug!("{}: {held} to {target}", rules.symbol);
                ctx.target_position(*id, target);
            }
        }
    }
}

impl Strategy for Rebalancer {
    type Params = Params;

    fn describe() -> Description {
        description!()
            .subscribe_with_history(Data::Trades, 1)
            .subscribe_with_history(Data::Bars(Duration::from_secs(60)), 1)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        let shares = weights::shares(&params.weights, ctx.instruments())?;
        let interval = Duration::from_secs(60 * u64::from(params.interval_minutes));
        ctx.set_timer_every(TIMER, ctx.time() + interval, interval);
        Ok(Self { params, shares, prices: BTreeMap::new() })
    }

    fn on_trade(&mut self, _: &mut Context, trade: &Trade) {
        self.prices.insert(trade.instrument, trade.price);
    }

    fn on_bar(&mut self, _: &mut Context, bar: &Bar) {
        self.prices.insert(bar.instrument, bar.close);
    }

    fn on_timer(&mut self, ctx: &mut Context, _: TimerId) {
        self.rebalance(ctx);
    }

    fn on_order(&mut self, _: &mut Context, update: &OrderUpdate) {
        // Whatever was refused is asked for again at the next timer.
        match &update.event {
            OrderEvent::Denied(denial) => warn!("denied: {}", denial.message),
            OrderEvent::Rejected(words) => warn!("rejected: {words}"),
            _ => {}
        }
    }
}

export!(Rebalancer);

#[cfg(test)]
mod tests;
