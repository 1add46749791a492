//! The market of a session: two instruments and a short tape, from a fixed seed.

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{DepthUpdate, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal, Price, Quantity, Rate},
    time::{Nanos, UnixNanos},
};

/// Steps of the tape; in each both instruments trade.
pub(crate) const STEPS: u64 = 240;
/// Between two of them.
pub(crate) const STEP: Nanos = Nanos::from_millis(100);
/// Steps from before the session.
const HISTORY_STEPS: u64 = 10;
/// When the session begins.
pub(crate) const BEGIN: u64 = 1_000_000_000_000;

/// An instrument of tick 0.5 and whole contracts.
pub(crate) fn instrument(symbol: &str) -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "XBT".to_owned(),
        quote: "USD".to_owned(),
        price_tick: Decimal::new(5, 1),
        quantity_step: Decimal::new(1, 0),
        min_quantity: Decimal::new(1, 0),
        max_quantity: Decimal::new(1_000_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(500_000_000),
    })
    .unwrap()
}

/// All that happens in the market: from a fixed seed, the same in every run.
pub(crate) fn tape() -> Vec<MarketEvent> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut prices = [100_000i64, 50_000];
    let mut events = Vec::new();
    for step in 0..HISTORY_STEPS + STEPS {
        for (id, price) in (0u16..).zip(&mut prices) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *price += 5 * (i64::try_from(state % 9).unwrap() - 4);
            let time = UnixNanos(BEGIN + step * STEP.0 - HISTORY_STEPS * STEP.0);
            let side = if state.is_multiple_of(2) { Side::Buy } else { Side::Sell };
            let trade = Trade {
                price: Price(*price),
                quantity: Quantity(100),
                aggressor: Some(side),
                id: step,
            };
            let mut tell = |data| {
                let instrument = InstrumentId(id);
                events.push(MarketEvent { instrument, time, venue_time: time, data });
            };
            // Quotes and a book where attackers trade alone, for those who want to be told of them.
            if id == 1 && step >= HISTORY_STEPS && step.is_multiple_of(10) {
                let (bid, ask) = (Price(*price - 5), Price(*price + 5));
                let level = Quantity(50);
                tell(MarketData::Quote(Quote {
                    bid_price: bid,
                    bid_quantity: level,
                    ask_price: ask,
                    ask_quantity: level,
                }));
                tell(MarketData::Depth(Box::new(DepthUpdate {
                    snapshot: true,
                    first_sequence: 0,
                    last_sequence: 0,
                    previous_sequence: 0,
                    bids: vec![(bid, level)],
                    asks: vec![(ask, level)],
                })));
            }
            tell(MarketData::Trade(trade));
        }
    }
    events
}
