//! Crossing of two exponential averages of the trades, long or flat.
//!
//! **What it does.** It follows the price of every trade with a fast and a slow exponential
//! average. When the fast one rises above the slow one it wants to hold `quantity`, when it falls
//! below, nothing; the host sends the difference at market. It never goes short, and for as many
//! trades as the slow average is long it only watches.
//!
//! **When it loses.** In a market that goes sideways: the averages cross again and again, and each
//! turn costs the spread and two taker fees. On trades, without any smoothing by time, that is
//! most of the day; it is here to show the shape of a strategy and to compare engines with.

use sandpit_sdk::{prelude::*, signals::Ema};

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Length of the fast average, in trades.
    #[param(default = 10, min = 1, max = 5_000)]
    fast: u32,
    /// Length of the slow average, in trades.
    #[param(default = 20, min = 2, max = 10_000)]
    slow: u32,
    /// Quantity of one order.
    #[param(default = 1, min = 0.00000001, max = 1_000_000)]
    quantity: Decimal,
}

/// The strategy.
pub struct EmaCross {
    fast: Ema,
    slow: Ema,
    quantity: Decimal,
    above: bool,
}

impl Strategy for EmaCross {
    type Params = Params;

    fn describe() -> Description {
        description!().subscribe_with_history(Data::Trades, 20)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        ctx.only_instrument()?;
        Ok(Self {
            fast: Ema::new(params.fast),
            slow: Ema::new(params.slow),
            quantity: params.quantity,
            above: false,
        })
    }

    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
        let price = trade.price.to_f64();
        let above = self.fast.update(price) > self.slow.update(price);
        if std::mem::replace(&mut self.above, above) != above && self.slow.is_warm() {
            let target = if above { self.quantity } else { dec!(0) };
            ctx.target_position(trade.instrument, target);
        }
    }
}

export!(EmaCross);

#[cfg(test)]
mod tests;
