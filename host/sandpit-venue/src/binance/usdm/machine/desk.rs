//! What is known around a message: instruments by their symbols, and what assets of fees are worth.
//! And the way to the gate.

use std::collections::BTreeMap;

use sandpit_core::{ids::InstrumentId, instrument::Instrument, num::Decimal, time::UnixNanos};

use crate::{
    binance::{
        error_code::{Codes, Outcome, Reply, judge_by},
        gate::{Answered, Asks, Gate},
        limits::Lane,
        request::{self as spot, RequestError},
        response::{Answer, Desk},
        sign::{Params, Value},
        usdm::{
            endpoint::Target,
            request::{DEPTHS, Request},
        },
    },
    machine::{CallId, Notice, Output},
};

/// Instruments and rates.
#[derive(Debug, Default)]
pub(super) struct Rules {
    instruments: Vec<Instrument>,
    by_symbol: BTreeMap<String, usize>,
    /// By asset and quote asset.
    pub(super) rates: BTreeMap<(String, String), Decimal>,
}

impl Rules {
    pub(super) fn set(&mut self, instruments: Vec<Instrument>) {
        self.by_symbol = instruments
            .iter()
            .enumerate()
            .map(|(at, instrument)| (instrument.spec().symbol.clone(), at))
            .collect();
        self.instruments = instruments;
    }

    pub(super) fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(usize::from(id.0))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        self.instruments
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some((InstrumentId(u16::try_from(at).ok()?), one)))
    }
}

impl Desk for Rules {
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)> {
        let at = *self.by_symbol.get(symbol)?;
        Some((InstrumentId(u16::try_from(at).ok()?), self.instruments.get(at)?))
    }

    fn fee_rate(&self, asset: &str, quote: &str) -> Option<Decimal> {
        self.rates.get(&(asset.to_owned(), quote.to_owned())).copied()
    }
}

/// One step of the machine, as its parts see it.
pub(super) struct Step<'a> {
    pub(super) now: UnixNanos,
    pub(super) gate: &'a mut Gate,
    pub(super) out: &'a mut Vec<Output>,
}

impl Step<'_> {
    pub(super) fn ask(
        &mut self,
        lane: Lane,
        share: u16,
        request: &Request<'_>,
    ) -> Result<CallId, RequestError> {
        let wish = request.wish()?;
        Ok(self.gate.ask_wish(lane, share, wish, self.now, self.out))
    }

    pub(super) fn alert(&mut self, text: String) {
        self.out.push(Output::Notice(Notice::Alert(text)));
    }

    pub(super) fn venue_now(&self) -> UnixNanos {
        self.gate.venue_now(self.now)
    }
}

/// What an answer proves.
pub(super) fn judged<'a, T: Answer<'a>>(answered: &'a Answered, now: UnixNanos) -> Outcome<T> {
    let retry_after = answered.retry_after.as_deref();
    let reply = Reply { status: answered.status, body: &answered.body, retry_after };
    judge_by(Codes::Usdm, &reply, now)
}

/// Asks futures for what market data asks Spot for: the parameters have the same names there, and
/// the endpoints, the weights and the depths of the book are others.
pub(super) struct Translated<'g>(pub(super) &'g mut Gate);

fn limit_of(params: &Params<'_>) -> Option<u32> {
    params.iter().find_map(|(name, value)| match value {
        Value::Number(limit) if *name == "limit" => u32::try_from(*limit).ok(),
        _ => None,
    })
}

fn translate(request: &spot::Request<'_>) -> Result<crate::binance::gate::Wish, RequestError> {
    let asked = request.params()?;
    let limit = limit_of(&asked);
    let (target, limit) = match request {
        spot::Request::Depth(_) => {
            let fits = |levels: &u32| limit.is_none_or(|limit| *levels >= limit);
            let most = DEPTHS[DEPTHS.len() - 1];
            (Target::Depth, Some(DEPTHS.into_iter().find(fits).unwrap_or(most)))
        }
        spot::Request::Klines(_) => (Target::Klines, limit),
        spot::Request::AggTrades(_) => (Target::AggTrades, limit),
        spot::Request::Time => (Target::Time, limit),
        _ => return Err(RequestError::Unsupported { what: "futures are not asked for that" }),
    };
    let mut params = Params::default();
    for (name, value) in asked.iter() {
        if *name != "limit" {
            params.push(name, *value);
        }
    }
    params.push_some("limit", limit.map(|limit| Value::Number(u64::from(limit))));
    Ok(crate::binance::gate::Wish::new(target.endpoint(), target.cost_of(limit), &params))
}

impl Asks for Translated<'_> {
    fn ask(
        &mut self,
        lane: Lane,
        request: &spot::Request<'_>,
        now: UnixNanos,
        out: &mut Vec<Output>,
    ) -> CallId {
        match translate(request) {
            Ok(wish) => self.0.ask_wish(lane, 0, wish, now, out),
            // The gate says that it was never sent.
            Err(_) => self.0.ask(lane, &spot::Request::CancelAll(""), now, out),
        }
    }

    fn forget(&mut self, call: CallId) {
        self.0.forget(call);
    }

    fn venue_time(&self, now: UnixNanos) -> UnixNanos {
        self.0.venue_now(now)
    }
}
