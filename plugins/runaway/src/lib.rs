//! A hostile strategy, to show that the host contains it. **Never trade it.**
//!
//! **What it does.** For `after` trades it looks like any other: it buys a little, sells it again
//! and keeps a limit order in the market, so that there is a position and an order to take care of.
//! Then it does what `attack` says: loops without end, floods the host with orders, panics, eats
//! all the memory it can get, or calls itself until the stack is gone.
//!
//! **When it loses.** Always; it is made to.

use std::hint::black_box;

use sandpit_sdk::prelude::*;

/// Orders of one flood: far more than a call may ask for.
const FLOOD_ORDERS: u32 = 100_000;
/// Bytes that it takes at a time.
const MEMORY_CHUNK_BYTES: usize = 1 << 20;
/// It turns its position over after so many trades.
const TURN_TRADES: u32 = 50;

/// What it does when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
enum Attack {
    None,
    Loop,
    Flood,
    Panic,
    Memory,
    Stack,
}

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// What it does when its time has come.
    #[param(default = Attack::None)]
    attack: Attack,
    /// Trades for which it behaves.
    #[param(default = 1_000, min = 0, max = 1_000_000_000)]
    after: u32,
    /// Quantity of one order.
    #[param(default = 0.01, min = 0.00000001, max = 1_000_000)]
    quantity: Decimal,
}

/// The strategy.
pub struct Runaway {
    params: Params,
    instrument: Arc<Instrument>,
    quantity: Decimal,
    seen: u32,
}

impl Runaway {
    /// A little harmless trading.
    fn behave(&self, ctx: &mut Context, trade: &Trade) {
        if !self.seen.is_multiple_of(TURN_TRADES) {
            return;
        }
        let held = ctx.position_in_flight(trade.instrument);
        if held.is_positive() {
            ctx.sell(trade.instrument, held);
        } else {
            ctx.buy(trade.instrument, self.quantity);
        }
        let resting =
            ctx.orders().iter().any(|order| matches!(order.kind, Some(OrderKind::Limit(_))));
        let price = self.instrument.round_price(trade.price * dec!(0.9), Rounding::Floor);
        if !resting && price.is_positive() {
            ctx.place(Order::limit(trade.instrument, Side::Buy, self.quantity, price).post_only());
        }
    }

    fn attack(&self, ctx: &mut Context) {
        match self.params.attack {
            Attack::None => {}
            Attack::Loop => spin(),
            Attack::Flood => {
                for _ in 0..FLOOD_ORDERS {
                    ctx.buy(self.instrument.id, self.quantity);
                }
            }
            Attack::Panic => panic!("this strategy was told to panic"),
            Attack::Memory => eat(),
            Attack::Stack => {
                black_box(descend(0));
            }
        }
    }
}

#[expect(clippy::infinite_loop, reason = "that is the attack")]
fn spin() {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

#[expect(clippy::infinite_loop, reason = "that is the attack")]
fn eat() {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; MEMORY_CHUNK_BYTES]));
    }
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn descend(depth: u64) -> u64 {
    black_box(descend(black_box(depth.wrapping_add(1))).wrapping_add(depth))
}

impl Strategy for Runaway {
    type Params = Params;

    fn describe() -> Description {
        description!().subscribe(Data::Trades)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        let instrument = ctx.only_instrument()?;
        let quantity = instrument.round_quantity(params.quantity).max(instrument.min_quantity);
        Ok(Self { params, instrument, quantity, seen: 0 })
    }

    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
        self.seen = self.seen.saturating_add(1);
        if self.params.attack != Attack::None && self.seen > self.params.after {
            self.attack(ctx);
        } else {
            self.behave(ctx, trade);
        }
    }
}

export!(Runaway);

#[cfg(test)]
mod tests;
