//! Breakout of a Donchian channel on one-minute bars, with bracket exits.
//!
//! **What it does.** It remembers the highest high and the lowest low of the last `length` bars.
//! When a bar closes above the channel it buys, when one closes below it sells short (if
//! `direction` lets it), in each case as a bracket: a stop at `stop` channel heights from the
//! close and a target at `reward` times that distance. One position at a time; the channel does
//! not include the bar that breaks it.
//!
//! **When it loses.** In ranges. Most breakouts fall back, so most trades end at the stop; it lives
//! on the few that run to the target. Gaps fill the stop at a worse price than planned.

use std::collections::VecDeque;

use sandpit_sdk::prelude::*;

/// Length of the bars.
const INTERVAL: Duration = Duration::from_secs(60);

/// Which way it may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
enum Direction {
    Long,
    Short,
    LongAndShort,
}

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Bars of the channel.
    #[param(default = 60, min = 2, max = 5_000)]
    length: u32,
    /// Quantity of one entry.
    #[param(default = 0.01, min = 0.00000001, max = 1_000_000)]
    quantity: Decimal,
    /// Distance of the stop from the close, in channel heights.
    #[param(default = 0.5, min = 0.01, max = 10)]
    stop: Decimal,
    /// Distance of the target, in distances of the stop.
    #[param(default = 2, min = 0.1, max = 100)]
    reward: Decimal,
    /// Which way it trades.
    #[param(default = Direction::LongAndShort)]
    direction: Direction,
}

/// Highest high and lowest low.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Channel {
    high: Decimal,
    low: Decimal,
}

/// The strategy.
pub struct Breakout {
    params: Params,
    instrument: Arc<Instrument>,
    quantity: Decimal,
    bars: VecDeque<Channel>,
    capacity: usize,
}

impl Breakout {
    /// The channel of the bars before this one; `None` until there are enough.
    fn channel(&self) -> Option<Channel> {
        if self.bars.len() < self.capacity {
            return None;
        }
        self.bars
            .iter()
            .copied()
            .reduce(|a, b| Channel { high: a.high.max(b.high), low: a.low.min(b.low) })
    }

    /// The side of a breakout that may be traded.
    fn breaks(&self, channel: Channel, close: Decimal) -> Option<Side> {
        let (long, short) = match self.params.direction {
            Direction::Long => (true, false),
            Direction::Short => (false, true),
            Direction::LongAndShort => (true, true),
        };
        if long && close > channel.high {
            Some(Side::Buy)
        } else if short && close < channel.low {
            Some(Side::Sell)
        } else {
            None
        }
    }

    fn enter(&self, ctx: &mut Context, side: Side, channel: Channel, close: Decimal) {
        let rules = &self.instrument;
        let risk = ((channel.high - channel.low) * self.params.stop).max(rules.price_tick);
        let (stop, target) = match side {
            Side::Buy => (close - risk, close + risk * self.params.reward),
            Side::Sell => (close + risk, close - risk * self.params.reward),
        };
        // Away from the close, so that an exit never lies on it.
        let (down, up) = (Rounding::Floor, Rounding::Ceiling);
        let (stop_rounding, target_rounding) = match side {
            Side::Buy => (down, up),
            Side::Sell => (up, down),
        };
        let stop = rules.round_price(stop, stop_rounding);
        let target = rules.round_price(target, target_rounding);
        if !(stop.is_positive() && target.is_positive()) {
            return;
        }
        ctx.bracket(Order::market(rules.id, side, self.quantity), stop, target);
    }

    /// A position without exits, because they were denied or have ended, is closed.
    fn close_unprotected(&self, ctx: &mut Context) {
        let held = ctx.position(self.instrument.id).quantity;
        if held.is_zero() || !ctx.orders().is_empty() {
            return;
        }
        warn!("closing {held} that has no exits");
        let side = if held.is_positive() { Side::Sell } else { Side::Buy };
        ctx.place(Order::market(self.instrument.id, side, held.abs()).reduce_only());
    }
}

impl Strategy for Breakout {
    type Params = Params;

    fn describe() -> Description {
        // As much history as the longest channel would need is asked for; what there is, is used.
        description!().subscribe_with_history(Data::Bars(INTERVAL), 5_000)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        let instrument = ctx.only_instrument()?;
        let quantity = instrument.round_quantity(params.quantity);
        if quantity.is_zero() {
            return Err(format!("quantity is below the minimum of {}", instrument.min_quantity));
        }
        let capacity = usize::try_from(params.length).map_err(|error| error.to_string())?;
        Ok(Self { params, instrument, quantity, bars: VecDeque::with_capacity(capacity), capacity })
    }

    fn on_bar(&mut self, ctx: &mut Context, bar: &Bar) {
        let side =
            self.channel().and_then(|channel| Some((channel, self.breaks(channel, bar.close)?)));
        if self.bars.len() == self.capacity {
            self.bars.pop_front();
        }
        self.bars.push_back(Channel { high: bar.high, low: bar.low });
        self.close_unprotected(ctx);
        let idle = ctx.position(self.instrument.id).is_flat() && ctx.orders().is_empty();
        if let Some((channel, side)) = side.filter(|_| idle) {
            self.enter(ctx, side, channel, bar.close);
        }
    }

    fn on_order(&mut self, _: &mut Context, update: &OrderUpdate) {
        match &update.event {
            OrderEvent::Denied(denial) => info!("denied: {}", denial.message),
            OrderEvent::Rejected(words) => warn!("rejected: {words}"),
            OrderEvent::Unknown => warn!("the fate of order {} is unknown", update.tag.0),
            _ => {}
        }
    }
}

export!(Breakout);

#[cfg(test)]
mod tests;
