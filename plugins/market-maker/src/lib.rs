//! Two-sided quoting with inventory skew.
//!
//! **What it does.** It keeps one post-only bid and one post-only ask around the middle of the
//! market, half a spread away on either side. What it holds moves both: with a long inventory it
//! quotes lower, so that it rather sells than buys, and the other way round; at `max-inventory` it
//! stops quoting the side that would add. An order is moved, not replaced, and only when it is off
//! by `requote-ticks`, so that it keeps its place in the queue; and never more often than every
//! `pace-ms`, since a host bounds how much a strategy may ask for over time.
//!
//! **When it loses.** When the market runs one way. Its fills are then the ones that others want
//! to get rid of (adverse selection), and the skew leans too late. It earns the spread in markets
//! that come back, and only where the maker fee leaves some of it.
//!
//! A side whose order was denied or rejected waits for `retry-ms`. An order whose fate is unknown
//! is left alone until the host knows: that side quotes nothing meanwhile.

use sandpit_sdk::prelude::*;

/// Digits of the inventory's share that the skew is made of.
const SHARE_DIGITS: u8 = 6;

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Quantity on each side.
    #[param(default = 0.01, min = 0.00000001, max = 1_000_000)]
    quantity: Decimal,
    /// Distance of each side from the middle, as a fraction of the price.
    #[param(default = 0.0001, min = 0, max = 0.1)]
    half_spread: Decimal,
    /// How far both sides move at full inventory, as a fraction of the price.
    #[param(default = 0.0001, min = 0, max = 0.1)]
    skew: Decimal,
    /// Largest position, long or short.
    #[param(default = 0.05, min = 0.00000001, max = 1_000_000)]
    max_inventory: Decimal,
    /// An order is moved when it is off by this many ticks.
    #[param(default = 2, min = 1, max = 10_000)]
    requote_ticks: u32,
    /// Least time between two orders or changes of a side, in milliseconds.
    #[param(default = 250, min = 0, max = 3_600_000)]
    pace_ms: u32,
    /// Wait after a denial or rejection, in milliseconds.
    #[param(default = 1_000, min = 1, max = 3_600_000)]
    retry_ms: u32,
}

/// One side of the quote.
#[derive(Clone, Copy)]
struct Leg {
    side: Side,
    tag: Option<OrderTag>,
    retry_at: Timestamp,
}

/// What one side should look like.
#[derive(Clone, Copy)]
struct Wanted {
    price: Decimal,
    quantity: Decimal,
    reduce_only: bool,
}

/// The market as last seen.
#[derive(Clone, Copy)]
struct Top {
    bid: Decimal,
    ask: Decimal,
}

/// The strategy.
pub struct MarketMaker {
    params: Params,
    instrument: Arc<Instrument>,
    top: Option<Top>,
    legs: [Leg; 2],
}

impl MarketMaker {
    /// Brings both sides to where they should be.
    fn requote(&mut self, ctx: &mut Context) {
        for at in 0..self.legs.len() {
            let leg = self.legs[at];
            let wanted = self.wanted(ctx, leg.side);
            self.legs[at] = self.keep(ctx, leg, wanted);
        }
    }

    /// Where and how much this side should quote; `None` for not at all.
    fn wanted(&self, ctx: &Context, side: Side) -> Option<Wanted> {
        let (rules, params) = (&self.instrument, &self.params);
        let top = self.top?;
        let held = ctx.position(rules.id).quantity;
        // Signed towards this side: positive is what this side would add to.
        let toward = side.signed(held);
        let shrinks = toward.is_negative();
        let room = match ctx.trading_state() {
            TradingState::Active => params.max_inventory - toward,
            TradingState::Reducing if shrinks => -toward,
            TradingState::Reducing | TradingState::Halted => return None,
        };
        let quantity = rules.round_quantity(params.quantity.min(room));
        if !quantity.is_positive() {
            return None;
        }
        let middle = (top.bid + top.ask) * dec!(0.5);
        let share = held.div_rounded(params.max_inventory, SHARE_DIGITS, Rounding::HalfEven);
        let centre = middle * (Decimal::ONE - params.skew * share);
        let half = middle * params.half_spread;
        // Never across the market: a post-only order there would be rejected.
        let price = match side {
            Side::Buy => {
                rules.round_price(centre - half, Rounding::Floor).min(top.ask - rules.price_tick)
            }
            Side::Sell => {
                rules.round_price(centre + half, Rounding::Ceiling).max(top.bid + rules.price_tick)
            }
        };
        let reduce_only = ctx.trading_state() == TradingState::Reducing;
        price.is_positive().then_some(Wanted { price, quantity, reduce_only })
    }

    /// Places, moves, ends or leaves alone the order of one side; says how the side is then.
    fn keep(&self, ctx: &mut Context, leg: Leg, wanted: Option<Wanted>) -> Leg {
        let may = ctx.time() >= leg.retry_at;
        let paced =
            Leg { retry_at: ctx.time() + Duration::from_millis(self.params.pace_ms.into()), ..leg };
        let Some(order) = leg.tag.and_then(|tag| ctx.order(tag)).copied() else {
            let Some(Wanted { price, quantity, reduce_only }) = wanted.filter(|_| may) else {
                return Leg { tag: None, ..leg };
            };
            let mut order = Order::limit(self.instrument.id, leg.side, quantity, price).post_only();
            order.reduce_only = reduce_only;
            return Leg { tag: Some(ctx.place(order)), ..paced };
        };
        // On its way, unknown, or with a change under way: there will be news of it.
        if !order.is_changeable() {
            return leg;
        }
        match wanted {
            // A change of kind needs a new order; it is placed once this one is over.
            Some(wanted) if wanted.reduce_only == order.reduce_only => {
                if may && self.amend(ctx, &order, wanted) { paced } else { leg }
            }
            _ => {
                ctx.cancel(order.tag);
                leg
            }
        }
    }

    /// Moves an order that is off; says whether it was.
    fn amend(&self, ctx: &mut Context, order: &OwnOrder, wanted: Wanted) -> bool {
        let Some(price) = order.price() else { return false };
        let threshold = self.instrument.price_tick * self.params.requote_ticks.into();
        let moved = (wanted.price - price).abs() >= threshold;
        let too_large = order.remaining() > wanted.quantity;
        if !(moved || too_large) {
            return false;
        }
        let total = order.filled + wanted.quantity;
        let quantity = (total != order.quantity).then_some(total);
        let price = moved.then_some(wanted.price);
        ctx.amend(order.tag, quantity, price);
        true
    }

    fn see(&mut self, ctx: &mut Context, top: Option<Top>) {
        // A crossed or locked book is a moment's; nothing can be quoted around it.
        self.top = top.filter(|top| top.bid < top.ask);
        self.requote(ctx);
    }
}

impl Strategy for MarketMaker {
    type Params = Params;

    fn describe() -> Description {
        description!().subscribe(Data::Quotes).subscribe(Data::Depth(5))
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        let instrument = ctx.only_instrument()?;
        if instrument.round_quantity(params.quantity).is_zero() {
            return Err(format!("quantity is below the minimum of {}", instrument.min_quantity));
        }
        // Orders of an earlier instance are taken over, one a side; the rest is ended.
        let mut legs =
            [Side::Buy, Side::Sell].map(|side| Leg { side, tag: None, retry_at: ctx.time() });
        let open: Vec<(OrderTag, Side)> =
            ctx.orders().iter().map(|order| (order.tag, order.side)).collect();
        for (tag, side) in open {
            match legs.iter_mut().find(|leg| leg.side == side && leg.tag.is_none()) {
                Some(leg) => leg.tag = Some(tag),
                None => ctx.cancel(tag),
            }
        }
        Ok(Self { params, instrument, top: None, legs })
    }

    fn on_quote(&mut self, ctx: &mut Context, quote: &Quote) {
        let top = quote.mid().map(|_| Top { bid: quote.bid_price, ask: quote.ask_price });
        self.see(ctx, top);
    }

    fn on_depth(&mut self, ctx: &mut Context, depth: &Depth) {
        let (bid, ask) = (depth.bids().next(), depth.asks().next());
        let top = bid.zip(ask).map(|(bid, ask)| Top { bid: bid.price, ask: ask.price });
        self.see(ctx, top);
    }

    fn on_order(&mut self, ctx: &mut Context, update: &OrderUpdate) {
        let refused = match &update.event {
            OrderEvent::Denied(denial) | OrderEvent::ChangeRefused(denial) => &denial.message,
            OrderEvent::Rejected(words) => words,
            // The inventory changed: both sides move with it.
            OrderEvent::Filled(_) => return self.requote(ctx),
            _ => return,
        };
        debug!("order {} refused: {refused}", update.tag.0);
        let retry_at = ctx.time() + Duration::from_millis(self.params.retry_ms.into());
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.tag == Some(update.tag)) {
            leg.retry_at = retry_at;
        }
    }

    fn on_trading_state(&mut self, ctx: &mut Context, _: TradingState) {
        self.requote(ctx);
    }

    fn on_parameters(&mut self, ctx: &mut Context, params: Params) -> Result<(), String> {
        if self.instrument.round_quantity(params.quantity).is_zero() {
            let min = self.instrument.min_quantity;
            return Err(format!("quantity is below the minimum of {min}"));
        }
        self.params = params;
        self.requote(ctx);
        Ok(())
    }
}

export!(MarketMaker);

#[cfg(test)]
mod tests;
