//! A made-up market, for the demo, for canary sessions and for benches: two instruments that go
//! through calm ranges, trends and bursts, with spreads that widen when it gets rough.
//!
//! **It is synthetic.** It has no memory of any real market, nobody trades in it, and a strategy
//! that earns money here has shown that it runs, not that it works. Every report over it says so.
//!
//! Whole numbers only: the same seed gives the same events on every machine. Nothing here reads a
//! clock.

mod generator;
mod path;
mod tape;

pub use generator::SplitMix64;
pub use tape::{SOURCE, write};

use std::collections::VecDeque;

use path::Path;
use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentError, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Trade},
    num::{Decimal, Rate},
    time::{Nanos, UnixNanos},
};

/// The venue's name in every instrument of this market.
pub const VENUE: &str = "synthetic";

/// What a report over this market has to say.
pub const WARNING: &str =
    "the market is synthetic: it shows that strategies run, not that they earn";

/// First moment of the market: 2026-01-01T00:00:00Z.
pub const START: UnixNanos = UnixNanos(1_767_225_600_000_000_000);

/// How the market is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The same seed gives the same market.
    pub seed: u64,
    /// How much market time it covers.
    pub length: Nanos,
}

impl Options {
    /// Market time of the demo: one day.
    pub const LENGTH_DEFAULT: Nanos = Nanos(24 * 3_600 * 1_000_000_000);
    /// The longest market that is made: 366 days.
    pub const LENGTH_MAX: Nanos = Nanos(366 * 24 * 3_600 * 1_000_000_000);
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 42, length: Self::LENGTH_DEFAULT }
    }
}

/// The instruments, in the order of their ids.
///
/// # Errors
/// Never for the rules below; the type says so because rules are always checked.
pub fn instruments() -> Result<Vec<Instrument>, InstrumentError> {
    [
        spec("BTCUSDT", "BTC", Decimal::new(1, 1), Decimal::new(1, 3)),
        spec("ETHUSDT", "ETH", Decimal::new(1, 2), Decimal::new(1, 2)),
    ]
    .into_iter()
    .map(Instrument::new)
    .collect()
}

fn spec(symbol: &str, base: &str, price_tick: Decimal, quantity_step: Decimal) -> InstrumentSpec {
    InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: VENUE.to_owned(),
        kind: InstrumentKind::Perpetual,
        base: base.to_owned(),
        quote: "USDT".to_owned(),
        price_tick,
        quantity_step,
        min_quantity: quantity_step,
        max_quantity: Decimal::new(1_000, 0),
        min_notional: Decimal::new(5, 0),
        multiplier: Decimal::new(1, 0),
        // 2 and 5 basis points, in units of 10^-12.
        maker_fee: Rate(200_000_000),
        taker_fee: Rate(500_000_000),
    }
}

/// The events of the market, oldest first.
#[derive(Debug)]
pub struct Market {
    paths: [Path; 2],
    end: UnixNanos,
    waiting: VecDeque<MarketEvent>,
    trade_id: u64,
}

impl Market {
    /// Price at the start and largest spread in a calm market, in ticks, per instrument.
    const OPENING: [(i64, i64); 2] = [(600_000, 4), (300_000, 6)];

    /// A market of its own for each seed.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut seeds = SplitMix64::new(options.seed);
        let paths = Self::OPENING.map(|(price, spread)| Path::new(seeds.next_u64(), price, spread));
        let length = options.length.min(Options::LENGTH_MAX);
        Self { paths, end: START.plus(length), waiting: VecDeque::new(), trade_id: 0 }
    }

    /// Moves the instrument that is next in time and queues what that shows.
    fn advance(&mut self) -> Option<()> {
        let index = usize::from(self.paths[1].next_at() < self.paths[0].next_at());
        let path = &mut self.paths[index];
        let time = path.next_at();
        if time >= self.end {
            return None;
        }
        let instrument = InstrumentId(u16::from(index == 1));
        let event = |data| MarketEvent { instrument, time, venue_time: time, data };
        let step = path.step();
        if let Some(trade) = step.trade {
            self.trade_id += 1;
            let trade = Trade { id: self.trade_id, ..trade };
            self.waiting.push_back(event(MarketData::Trade(trade)));
        }
        if let Some(quote) = step.quote {
            self.waiting.push_back(event(MarketData::Quote(quote)));
        }
        Some(())
    }
}

impl Iterator for Market {
    type Item = MarketEvent;

    fn next(&mut self) -> Option<MarketEvent> {
        while self.waiting.is_empty() {
            self.advance()?;
        }
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(seed: u64) -> Vec<MarketEvent> {
        Market::new(Options { seed, length: Nanos(3_600 * 1_000_000_000) }).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_market_and_another_seed_another() {
        assert_eq!(hour(7), hour(7));
        assert_ne!(hour(7), hour(8));
    }

    #[test]
    fn every_event_is_sane() {
        let events = hour(42);
        assert!(events.len() > 5_000, "{} events in an hour", events.len());
        let mut last = START;
        for event in &events {
            assert!(event.time >= last);
            last = event.time;
            match &event.data {
                MarketData::Quote(quote) => {
                    assert!(quote.bid_price.0 > 0 && quote.bid_price < quote.ask_price);
                    assert!(quote.bid_quantity.0 > 0 && quote.ask_quantity.0 > 0);
                }
                MarketData::Trade(trade) => assert!(trade.price.0 > 0 && trade.quantity.0 > 0),
                other => panic!("{other:?}"),
            }
        }
        assert!(last < START.plus(Nanos(3_600 * 1_000_000_000)));
    }

    #[test]
    fn trades_happen_at_the_quote_that_stands() {
        let mut quotes = [None, None];
        for event in hour(3) {
            let index = usize::from(event.instrument.0);
            match event.data {
                MarketData::Quote(quote) => quotes[index] = Some(quote),
                MarketData::Trade(trade) => {
                    let quote = quotes[index].expect("a quote comes first");
                    assert!(
                        trade.price == quote.bid_price || trade.price == quote.ask_price,
                        "{trade:?} against {quote:?}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn prices_move_and_spreads_widen_but_stay_in_bounds() {
        let market = Market::new(Options { seed: 1, length: Options::LENGTH_DEFAULT });
        let (mut low, mut high, mut narrow, mut wide) = (i64::MAX, 0, i64::MAX, 0);
        for event in market.filter(|event| event.instrument.0 == 0) {
            if let MarketData::Quote(quote) = event.data {
                low = low.min(quote.bid_price.0);
                high = high.max(quote.ask_price.0);
                let spread = quote.ask_price.0 - quote.bid_price.0;
                narrow = narrow.min(spread);
                wide = wide.max(spread);
            }
        }
        assert!(high - low > 600_000 / 200, "moved by {} ticks only", high - low);
        assert!(low > 600_000 / 4 && high < 600_000 * 4, "{low} to {high}");
        assert!(narrow == 1 && wide > 4, "{narrow} to {wide}");
    }
}
