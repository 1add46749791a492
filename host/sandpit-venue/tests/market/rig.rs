//! What the tests share: an instrument, the way to REST that only takes note, and a look at counts.

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
    time::{Nanos, UnixNanos},
};
use sandpit_venue::{
    binance::{
        gate::Asks,
        limits::Lane,
        market::{Market, Turn},
        request::Request,
    },
    machine::{CallId, Output},
};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;

pub(crate) fn instrument(symbol: &str, tick: &str, step: &str) -> Instrument {
    let step = step.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: tick.parse().unwrap(),
        quantity_step: step,
        min_quantity: step,
        max_quantity: Decimal::new(step.mantissa * 1_000_000, step.scale),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

/// A question as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Depth {
        symbol: String,
    },
    Klines {
        symbol: String,
        interval: Nanos,
        start_ms: Option<u64>,
        end_ms: Option<u64>,
        limit: usize,
    },
    AggTrades {
        symbol: String,
        from_id: u64,
        limit: usize,
    },
}

/// Takes note of what is asked.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) last: u64,
    /// The venue's clock less ours.
    pub(crate) ahead: u64,
    pub(crate) open: Vec<(CallId, UnixNanos, Asked)>,
}

impl Asks for Notes {
    fn ask(
        &mut self,
        lane: Lane,
        request: &Request<'_>,
        now: UnixNanos,
        _out: &mut Vec<Output>,
    ) -> CallId {
        assert_eq!(lane, Lane::Data);
        // As it goes over the wire, so that a question that cannot be sent fails here.
        let timing =
            sandpit_venue::binance::request::Timing { timestamp_ms: 1, recv_window_ms: 5_000 };
        request.to_rest(timing, None).unwrap();
        let limit = |limit: Option<u32>| usize::try_from(limit.unwrap_or(500)).unwrap();
        let asked = match request {
            Request::Depth(depth) => Asked::Depth { symbol: depth.symbol.to_owned() },
            Request::Klines(klines) => Asked::Klines {
                symbol: klines.symbol.to_owned(),
                interval: klines.interval.nanos(),
                start_ms: klines.start_ms,
                end_ms: klines.end_ms,
                limit: limit(klines.limit),
            },
            Request::AggTrades(trades) => Asked::AggTrades {
                symbol: trades.symbol.to_owned(),
                from_id: trades.from_id.unwrap(),
                limit: limit(trades.limit),
            },
            other => panic!("nobody asks the market for {other:?}"),
        };
        self.last += 1;
        self.open.push((CallId(self.last), now, asked));
        CallId(self.last)
    }

    fn forget(&mut self, call: CallId) {
        self.open.retain(|(id, ..)| *id != call);
    }

    fn venue_time(&self, now: UnixNanos) -> UnixNanos {
        now.plus(Nanos(self.ahead))
    }
}

/// A market and the way to REST, at one time.
pub(crate) struct Rig {
    pub(crate) market: Market,
    pub(crate) notes: Notes,
    pub(crate) now: UnixNanos,
    pub(crate) chance: u64,
}

impl Rig {
    /// Steps it once; what it wants is returned.
    pub(crate) fn step(&mut self, step: impl FnOnce(&mut Market, &mut Turn<'_>)) -> Vec<Output> {
        let mut out = Vec::new();
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut turn =
            Turn { now: self.now, chance: self.chance, asks: &mut self.notes, out: &mut out };
        step(&mut self.market, &mut turn);
        out
    }

    /// The value of a count.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let counts = self.market.counts();
        counts.iter().find(|(found, ..)| found == name).map(|(.., value)| *value).unwrap()
    }
}

/// A row of numbers by chance.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// True so many times in a thousand.
    pub(crate) fn permille(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }
}

pub(crate) const ID: InstrumentId = InstrumentId(0);
