//! How one instrument moves: moods that last a while, a middle price that drifts and jitters, a
//! spread that follows the mood, and trades at the quote that stands.

use sandpit_core::{
    market::{Quote, Side, Trade},
    num::{Price, Quantity},
    time::{Nanos, UnixNanos},
};

use super::{START, generator::SplitMix64};

/// Parts of a tick that the middle price is kept in.
const PARTS: i64 = 256;

/// Average time between two steps in a calm market.
const STEP_MS: u32 = 1_000;

/// What one step shows to the world.
pub(super) struct Step {
    /// A trade at the quote that stood before; its id is the caller's.
    pub(super) trade: Option<Trade>,
    /// The quote that stands from now on, where it changed.
    pub(super) quote: Option<Quote>,
}

/// What the market is up to for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Around the price where it began.
    Range,
    /// Up or down, with setbacks.
    Trend(Side),
    /// Everybody at once: fast, wide, jumpy.
    Burst,
}

#[derive(Debug)]
pub(super) struct Path {
    chance: SplitMix64,
    opening: i64,
    /// Middle price in parts of a tick.
    middle: i64,
    /// Middle price at the beginning of the mood.
    anchor: i64,
    mood: Mood,
    steps_left: i64,
    spread_calm: i64,
    quote: Option<Quote>,
    next_at: UnixNanos,
}

impl Path {
    pub(super) fn new(seed: u64, opening_ticks: i64, spread_calm_ticks: i64) -> Self {
        let middle = opening_ticks * PARTS;
        Self {
            chance: SplitMix64::new(seed),
            opening: middle,
            middle,
            anchor: middle,
            mood: Mood::Range,
            steps_left: 600,
            spread_calm: spread_calm_ticks,
            quote: None,
            next_at: START,
        }
    }

    pub(super) const fn next_at(&self) -> UnixNanos {
        self.next_at
    }

    pub(super) fn step(&mut self) -> Step {
        // The first step shows a quote and nothing else: a trade needs one to happen at.
        let trade = match self.quote {
            Some(quote) if self.chance.below(8) < 5 => Some(self.trade(quote)),
            _ => None,
        };
        self.move_middle();
        let quote = self.new_quote();
        let shown = (self.quote != Some(quote)).then_some(quote);
        self.quote = Some(quote);
        self.next_at = self.next_at.plus(self.pause());
        self.steps_left -= 1;
        if self.steps_left <= 0 {
            self.change_mood();
        }
        Step { trade, quote: shown }
    }

    fn change_mood(&mut self) {
        self.anchor = self.middle;
        let (mood, steps) = match self.chance.below(10) {
            0..=3 => (Mood::Range, 600 + self.chance.below(3_000)),
            4..=8 => (Mood::Trend(self.trend_side()), 400 + self.chance.below(2_000)),
            _ => (Mood::Burst, 200 + self.chance.below(800)),
        };
        (self.mood, self.steps_left) = (mood, steps);
    }

    /// Up or down alike near the opening price; the farther away, the more likely back.
    fn trend_side(&mut self) -> Side {
        let away_percent = (self.middle - self.opening) * 100 / self.opening;
        if self.chance.below(60) - 30 >= away_percent { Side::Buy } else { Side::Sell }
    }

    fn move_middle(&mut self) {
        // Jitter per step, in parts of a tick for each tick of 10^-5 of the price.
        let unit = self.opening / 100_000;
        let (jitter, drift) = match self.mood {
            Mood::Range => (4 * unit, (self.anchor - self.middle) / 256),
            Mood::Trend(side) => (4 * unit, if side == Side::Buy { unit / 2 } else { -unit / 2 }),
            Mood::Burst => (16 * unit, 0),
        };
        let width = u32::try_from(jitter).unwrap_or(u32::MAX);
        // The sum of three is close enough to a bell.
        let noise: i64 = (0..3).map(|_| self.chance.below(width) - jitter / 2).sum();
        let (floor, ceiling) = (self.opening / 2, self.opening * 2);
        self.middle = (self.middle + drift + noise).clamp(floor, ceiling);
    }

    fn new_quote(&mut self) -> Quote {
        let widest = match self.mood {
            Mood::Range => self.spread_calm / 2,
            Mood::Trend(_) => self.spread_calm,
            Mood::Burst => self.spread_calm * 4,
        };
        let spread = 1 + self.chance.below(u32::try_from(widest).unwrap_or(1));
        let bid = (self.middle - spread * PARTS / 2).div_euclid(PARTS);
        Quote {
            bid_price: Price(bid),
            bid_quantity: self.size(),
            ask_price: Price(bid + spread),
            ask_quantity: self.size(),
        }
    }

    fn trade(&mut self, quote: Quote) -> Trade {
        let buys = match self.mood {
            Mood::Trend(Side::Buy) => 6,
            Mood::Trend(Side::Sell) => 4,
            Mood::Range | Mood::Burst => 5,
        };
        let side = if self.chance.below(10) < buys { Side::Buy } else { Side::Sell };
        let price = if side == Side::Buy { quote.ask_price } else { quote.bid_price };
        Trade { price, quantity: self.size(), aggressor: Some(side), id: 0 }
    }

    /// Many small ones and a few large ones, in steps of the instrument.
    fn size(&mut self) -> Quantity {
        let small = 1 + self.chance.below(400);
        Quantity(small << self.chance.coin_run(6))
    }

    fn pause(&mut self) -> Nanos {
        let average_ms = if self.mood == Mood::Burst { STEP_MS / 10 } else { STEP_MS };
        let ms = 1 + self.chance.below(average_ms * 2);
        Nanos::from_millis(ms.unsigned_abs())
    }
}
