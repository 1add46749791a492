//! Markets that walk by chance on a small grid: trades, quotes and books, with jumps and silence.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{DepthUpdate, Levels, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Price, Quantity},
    time::{Nanos, UnixNanos},
};

use super::chance::Chance;

/// Lowest and highest price, in ticks. Far enough from zero that no percentage of it is less than
/// a tick.
const PRICE_TICKS: (i64, i64) = (800, 1_200);
/// Ticks of an ordinary step, and of a jump.
const STEP_TICKS: i64 = 2;
const JUMP_TICKS: i64 = 25;
/// Once in so many events the price jumps, or the market falls silent.
const JUMP_ONE_IN: u64 = 150;
const SILENCE_ONE_IN: u64 = 400;
/// Steps of quantity in a trade or at a level.
const SIZE_STEPS_MAX: i64 = 8;
/// Levels of a book, on each side.
const LEVELS: i64 = 4;

/// What a market shows beside its trades.
#[derive(Clone, Copy, Debug)]
enum Shows {
    Trades,
    Quotes,
    Depth,
}

/// One instrument's market.
#[derive(Debug)]
pub(super) struct Walk {
    instrument: InstrumentId,
    tick: i64,
    step: i64,
    shows: Shows,
    /// In ticks.
    price: i64,
    trades: u64,
    sequence: u64,
    chance: Chance,
}

impl Walk {
    pub(super) fn new(instrument: InstrumentId, rules: &Instrument, mut chance: Chance) -> Self {
        let shows = [Shows::Trades, Shows::Quotes, Shows::Depth];
        Self {
            instrument,
            tick: rules.price_tick().0,
            step: rules.quantity_step().0,
            shows: chance.pick(&shows).copied().unwrap_or(Shows::Trades),
            price: chance.whole(950, 1_050),
            trades: 0,
            sequence: 0,
            chance,
        }
    }

    /// How long until the next event.
    pub(super) fn pause(&mut self) -> Nanos {
        if self.chance.one_in(SILENCE_ONE_IN) {
            self.chance.pause_ms(2_000, 30_000)
        } else {
            self.chance.pause_ms(1, 250)
        }
    }

    pub(super) fn next(&mut self, time: UnixNanos) -> MarketEvent {
        let far = if self.chance.one_in(JUMP_ONE_IN) { JUMP_TICKS } else { STEP_TICKS };
        let moved = self.price + self.chance.whole(-far, far);
        self.price = moved.clamp(PRICE_TICKS.0, PRICE_TICKS.1);
        let data = match self.shows {
            Shows::Quotes if self.chance.flip() => self.quote(),
            Shows::Depth if self.chance.flip() => self.depth(),
            Shows::Trades | Shows::Quotes | Shows::Depth => self.trade(),
        };
        MarketEvent { instrument: self.instrument, time, venue_time: time, data }
    }

    fn price_at(&self, ticks: i64) -> Price {
        Price(ticks * self.tick)
    }

    fn size(&mut self) -> Quantity {
        Quantity(self.chance.whole(1, SIZE_STEPS_MAX) * self.step)
    }

    fn trade(&mut self) -> MarketData {
        self.trades += 1;
        let aggressor = match self.chance.below(3) {
            0 => None,
            1 => Some(Side::Buy),
            _ => Some(Side::Sell),
        };
        let (price, id) = (self.price_at(self.price), self.trades);
        MarketData::Trade(Trade { price, quantity: self.size(), aggressor, id })
    }

    fn quote(&mut self) -> MarketData {
        let away = self.chance.whole(1, 2);
        let mut quote = Quote {
            bid_price: self.price_at(self.price - away),
            bid_quantity: self.size(),
            ask_price: self.price_at(self.price + away),
            ask_quantity: self.size(),
        };
        if self.chance.one_in(20) {
            quote.ask_quantity = Quantity::ZERO;
        }
        MarketData::Quote(quote)
    }

    /// The walk moves the middle, so every change replaces the book.
    fn depth(&mut self) -> MarketData {
        let previous = self.sequence;
        self.sequence += self.chance.between(1, 3);
        let mut side = |sign: i64| -> Levels {
            let level = |away: i64| Price((self.price + sign * away) * self.tick);
            (1..=LEVELS)
                .map(|away| {
                    let steps = self.chance.whole(1, SIZE_STEPS_MAX);
                    (level(away), Quantity(steps * self.step))
                })
                .collect()
        };
        let (bids, asks) = (side(-1), side(1));
        MarketData::Depth(Box::new(DepthUpdate {
            snapshot: true,
            first_sequence: previous + 1,
            last_sequence: self.sequence,
            previous_sequence: previous,
            bids,
            asks,
        }))
    }
}
