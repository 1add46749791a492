//! Keeps so many requests under way: each order that the venue has taken is canceled at once, and each
//! that is over is followed by another, far from the market.

use std::time::Duration;

use sandpit_sdk::prelude::*;

/// Orders that are begun in one call at most.
const STEP: usize = 40;
/// What is left of the market's price in that of an order.
const FAR: Decimal = dec!(0.8);

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Requests under way.
    #[param(default = 240, min = 1, max = 1_000)]
    orders: u32,
}

/// The strategy.
pub struct Swarm {
    orders: usize,
    instrument: Arc<Instrument>,
    price: Option<Decimal>,
}

impl Swarm {
    fn fill_up(&self, ctx: &mut Context) {
        let Some(price) = self.price else { return };
        if ctx.trading_state() != TradingState::Active {
            return;
        }
        let rules = &self.instrument;
        let price = rules.round_price(price * FAR, Rounding::Floor);
        let missing = self.orders.saturating_sub(ctx.orders().len());
        for _ in 0..missing.min(STEP) {
            let quantity = rules.min_quantity;
            ctx.place(Order::limit(rules.id, Side::Buy, quantity, price).post_only());
        }
    }
}

impl Strategy for Swarm {
    type Params = Params;

    fn describe() -> Description {
        description!().subscribe(Data::Quotes)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        let instrument = ctx.only_instrument()?;
        ctx.set_timer_every(TimerId(1), ctx.time(), Duration::from_millis(50));
        Ok(Self { orders: params.orders as usize, instrument, price: None })
    }

    fn on_quote(&mut self, _: &mut Context, quote: &Quote) {
        // Always the first, so that no order is ever near the market.
        self.price.get_or_insert(quote.bid_price);
    }

    fn on_timer(&mut self, ctx: &mut Context, _: TimerId) {
        self.fill_up(ctx);
    }

    fn on_order(&mut self, ctx: &mut Context, update: &OrderUpdate) {
        if update.event == OrderEvent::Accepted {
            ctx.cancel(update.tag);
        }
    }
}

export!(Swarm);
