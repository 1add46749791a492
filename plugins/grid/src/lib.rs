//! A grid of buy orders below a reference price, each sold one line higher and armed again.
//!
//! **What it does.** The first price it sees is the reference. `lines` buy orders wait below it,
//! `spacing` apart. When one fills, its quantity is offered one line higher; when that sells, the
//! buy is armed again. Every swing through a line earns one spacing minus two maker fees. The grid
//! survives a restart: reference and lines are saved.
//!
//! **When it loses.** When the market leaves the grid. Below it holds every line at a loss, and
//! nothing here cuts it: that is what the host's limits are for. Above it holds nothing while the
//! price runs away. And always, where a spacing is less than its two fees.

mod state;

use sandpit_sdk::prelude::*;

/// Wait after a denial or rejection.
const RETRY: Duration = Duration::from_secs(1);

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Number of buy lines below the reference.
    #[param(default = 10, min = 1, max = 50)]
    lines: u32,
    /// Distance between lines, as a fraction of the reference.
    #[param(default = 0.002, min = 0.00001, max = 0.2)]
    spacing: Decimal,
    /// Quantity of each line.
    #[param(default = 0.01, min = 0.00000001, max = 1_000_000)]
    quantity: Decimal,
}

/// What a line does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leg {
    Buy,
    Sell,
}

/// One line: bought at its price, sold one line higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    leg: Leg,
    /// What of this leg has not traded yet.
    remaining: Decimal,
    order: Option<OrderTag>,
}

/// The strategy.
pub struct Grid {
    params: Params,
    instrument: Arc<Instrument>,
    quantity: Decimal,
    reference: Option<Decimal>,
    lines: Vec<Line>,
    retry_at: Timestamp,
}

impl Grid {
    /// Price of line `at`; line −1 would be the reference itself.
    fn price(&self, at: usize, leg: Leg) -> Option<Decimal> {
        let lines_below = u32::try_from(at).ok()? + u32::from(leg == Leg::Buy);
        let below = self.params.spacing * lines_below.into();
        let price = self.reference? * (Decimal::ONE - below);
        let rounding = if leg == Leg::Buy { Rounding::Floor } else { Rounding::Ceiling };
        Some(self.instrument.round_price(price, rounding)).filter(|price| price.is_positive())
    }

    /// Places what has no order.
    fn arm(&mut self, ctx: &mut Context) {
        if ctx.time() < self.retry_at {
            return;
        }
        for at in 0..self.lines.len() {
            let Line { leg, remaining, order } = self.lines[at];
            let side = match leg {
                Leg::Buy => Side::Buy,
                Leg::Sell => Side::Sell,
            };
            let allowed = match ctx.trading_state() {
                TradingState::Active => true,
                TradingState::Reducing => leg == Leg::Sell,
                TradingState::Halted => false,
            };
            let missing = order.is_none_or(|tag| ctx.order(tag).is_none());
            let Some(price) = self.price(at, leg).filter(|_| missing && allowed) else {
                continue;
            };
            let mut order = Order::limit(self.instrument.id, side, remaining, price);
            // Only what was bought is sold.
            order.reduce_only = leg == Leg::Sell;
            self.lines[at].order = Some(ctx.place(order));
        }
    }

    /// Counts a fill; a leg that is done gives way to the other one.
    fn filled(&mut self, tag: OrderTag, quantity: Decimal) {
        let Some(line) = self.lines.iter_mut().find(|line| line.order == Some(tag)) else {
            return;
        };
        line.remaining -= quantity;
        if line.remaining.is_positive() {
            return;
        }
        line.leg = match line.leg {
            Leg::Buy => Leg::Sell,
            Leg::Sell => Leg::Buy,
        };
        line.remaining = self.quantity;
        line.order = None;
    }

    fn see(&mut self, ctx: &mut Context, price: Decimal) {
        if ctx.is_history() {
            return;
        }
        if self.reference.is_none() {
            info!("reference {price}");
            self.reference = Some(price);
        }
        self.arm(ctx);
    }
}

impl Strategy for Grid {
    type Params = Params;

    fn describe() -> Description {
        description!()
            .subscribe(Data::Trades)
            .subscribe(Data::Bars(Duration::from_secs(60)))
            .state_schema(state::SCHEMA)
    }

    fn start(
        ctx: &mut Context,
        params: Params,
        restored: Option<SavedState>,
    ) -> Result<Self, String> {
        let instrument = ctx.only_instrument()?;
        let quantity = instrument.round_quantity(params.quantity);
        if quantity.is_zero() {
            return Err(format!("quantity is below the minimum of {}", instrument.min_quantity));
        }
        let depth = params.spacing * params.lines.into();
        if depth >= Decimal::ONE {
            return Err("the lowest line is below zero: fewer lines or less spacing".to_owned());
        }
        let fresh = Line { leg: Leg::Buy, remaining: quantity, order: None };
        let lines = vec![fresh; usize::try_from(params.lines).unwrap_or(0)];
        let retry_at = ctx.time();
        let mut grid = Self { params, instrument, quantity, reference: None, lines, retry_at };
        if let Some(state) = restored.filter(|state| state.schema == state::SCHEMA) {
            state::restore(&mut grid, &state.data)?;
        }
        Ok(grid)
    }

    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
        self.see(ctx, trade.price);
    }

    fn on_bar(&mut self, ctx: &mut Context, bar: &Bar) {
        self.see(ctx, bar.close);
    }

    fn on_order(&mut self, ctx: &mut Context, update: &OrderUpdate) {
        match &update.event {
            OrderEvent::Filled(fill) => {
                self.filled(update.tag, fill.quantity);
                self.arm(ctx);
            }
            OrderEvent::Denied(denial) => {
                warn!("denied: {}", denial.message);
                self.retry_at = ctx.time() + RETRY;
            }
            OrderEvent::Rejected(words) => {
                warn!("rejected: {words}");
                self.retry_at = ctx.time() + RETRY;
            }
            // An order whose fate is unknown is still counted as open, so nothing takes its place.
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}

export!(Grid);

#[cfg(test)]
mod tests;
