//! Binance Spot as one machine: the gate, orders, and market data. Production, testnet, demo, or
//! any exchange that speaks the dialect. Without a key it is market data alone.
//!
//! It opens (symbols, fees, what the key may do), says so, and begins when it is told which data is
//! wanted. Not here: what each of the parts does.

mod opening;
mod settings;

pub use settings::{SYMBOLS_MAX, SpotSettings};

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    market::{MarketData, MarketEvent},
    time::UnixNanos,
    venue::{Answer, Asked, Outcome, Refusal, VenueMessage, VenueRequest},
};

use self::opening::{Found, Opening};
use super::{
    gate::{Ended, Gate, News, SharedSigner},
    market::{self, Dialect, Market},
    proof::{self, Proofs},
    trading::{self, Trading},
};
use crate::{
    gauges::Gauges,
    keys::Keys,
    machine::{CallId, Input, Machine, NoReply, Notice, Output, Told, Wanted},
};

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// The machine. See the head of this module.
#[derive(Debug)]
pub struct Spot {
    settings: SpotSettings,
    has_key: bool,
    gate: Gate,
    proofs: Proofs,
    opening: Opening,
    opened: bool,
    trading: Option<Trading>,
    market: Option<Market>,
    instruments: Vec<(InstrumentId, Instrument)>,
    begin: Option<Wanted>,
    live: bool,
    waiting: String,
    /// When it was stepped last.
    now: UnixNanos,
}

impl Spot {
    /// A machine that has asked nothing yet; it wants to be woken at once. One key is for everything.
    ///
    /// # Errors
    /// A setting that cannot be.
    pub fn new(
        settings: SpotSettings,
        signer: Option<SharedSigner>,
    ) -> Result<Self, SettingsError> {
        Self::with_keys(settings, signer.map(Keys::one))
    }

    /// The same, with one key for everything, or one that trades and another that reads.
    ///
    /// # Errors
    /// A setting that cannot be.
    pub fn with_keys(settings: SpotSettings, keys: Option<Keys>) -> Result<Self, SettingsError> {
        if let Some(problem) = settings.problem() {
            return Err(SettingsError(problem));
        }
        let has_key = keys.is_some();
        let has_two = keys.as_ref().is_some_and(Keys::are_two);
        let gate =
            settings.gate(has_key, has_two).map_err(|error| SettingsError(error.to_string()))?;
        let has_wallet = settings.gate.wallet.is_some();
        let opening = Opening::new(settings.symbols.clone(), (has_key, has_two), has_wallet);
        Ok(Self {
            gate: Gate::new(gate, keys),
            proofs: Proofs::new(Dialect::Spot, settings.keys, has_wallet),
            has_key,
            opening,
            opened: false,
            trading: None,
            market: None,
            instruments: Vec::new(),
            begin: None,
            live: false,
            waiting: String::new(),
            now: UnixNanos(0),
            settings,
        })
    }

    fn told(&mut self, told: Told, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        match told {
            Told::Begin(wanted) => {
                self.begin = Some(wanted);
                self.begin_if_opened(now, chance, out);
            }
            Told::ProveKey(offer) => {
                let mut turn = proof::Turn { now, gate: &mut self.gate, out };
                self.proofs.offer(*offer, false, &mut turn);
            }
            Told::NewKey(offer) => {
                let mut turn = proof::Turn { now, gate: &mut self.gate, out };
                self.proofs.offer(*offer, true, &mut turn);
            }
            Told::ReadRights => {
                self.proofs.read_rights(&mut proof::Turn { now, gate: &mut self.gate, out });
            }
            Told::Stop => {
                if let Some(trading) = &mut self.trading {
                    trading.stop();
                }
            }
            Told::Request(request) => match &mut self.trading {
                Some(trading) => {
                    let mut turn = trading::Turn { now, gate: &mut self.gate, out };
                    trading.request(request, &mut turn);
                }
                None => refuse(&request, self.has_key, now, out),
            },
        }
    }

    fn found(&mut self, found: Found, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        let Found { listed, exchange_filters, opened, account } = found;
        if self.has_key {
            self.proofs.set_account(account, now);
        }
        self.opened = true;
        self.instruments = (0..=u16::MAX)
            .map(InstrumentId)
            .zip(listed.iter().map(|one| one.instrument.clone()))
            .collect();
        if self.has_key {
            self.trading = Some(Trading::new(self.settings.trading, listed, exchange_filters));
        }
        out.push(Output::Notice(Notice::Opened(Box::new(opened))));
        self.begin_if_opened(now, chance, out);
    }

    fn begin_if_opened(&mut self, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        if !self.opened || self.market.is_some() {
            return;
        }
        let Some(wanted) = self.begin.take() else { return };
        if let Some(trading) = &mut self.trading {
            trading.begin(&mut trading::Turn { now, gate: &mut self.gate, out });
        }
        let mut market = Market::new(self.settings.market.clone(), self.instruments.clone());
        market.begin(&wanted, &mut market::Turn { now, chance, asks: &mut self.gate, out });
        self.market = Some(market);
    }

    /// Takes what the gate says until it says nothing more.
    fn drain(&mut self, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        while let Some(news) = self.gate.take_news() {
            match news {
                News::Ended(call, ended) => self.ended(call, ended, now, chance, out),
                News::Ready { link, gap } => {
                    if let Some(trading) = &mut self.trading {
                        let mut turn = trading::Turn { now, gate: &mut self.gate, out };
                        trading.ready(link, gap, &mut turn);
                    }
                }
                News::Down => {
                    if let Some(trading) = &mut self.trading {
                        trading.down(&mut trading::Turn { now, gate: &mut self.gate, out });
                    }
                }
                News::Event(link, bytes) => {
                    if let Some(trading) = &mut self.trading {
                        let mut turn = trading::Turn { now, gate: &mut self.gate, out };
                        trading.event(link, &bytes, &mut turn);
                    }
                }
            }
        }
    }

    fn ended(
        &mut self,
        call: CallId,
        ended: Ended,
        now: UnixNanos,
        chance: u64,
        out: &mut Vec<Output>,
    ) {
        if self.proofs.owns(call) {
            let mut turn = proof::Turn { now, gate: &mut self.gate, out };
            // Which key signs is the gate's; own events are on its connection.
            self.proofs.ended(call, &ended, &mut turn);
            return;
        }
        if self.opening.owns(call) {
            return self.opening.ended(call, &ended, now, &mut self.gate, out);
        }
        if let Some(market) = self.market.as_mut().filter(|market| market.owns_call(call)) {
            let mut turn = market::Turn { now, chance, asks: &mut self.gate, out };
            return match &ended {
                Ended::Answered(answered) => market.reply(call, answered.as_http(), &mut turn),
                Ended::Lost(_) => market.no_reply(call, NoReply::Disconnected, &mut turn),
                Ended::NeverSent(_) => market.no_reply(call, NoReply::NeverSent, &mut turn),
            };
        }
        if let Some(trading) = &mut self.trading {
            let mut turn = trading::Turn { now, gate: &mut self.gate, out };
            trading.ended(call, ended, &mut turn);
        }
    }

    fn tell_market(
        &mut self,
        input: &Input<'_>,
        now: UnixNanos,
        chance: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(market) = &mut self.market else { return };
        let mut turn = market::Turn { now, chance, asks: &mut self.gate, out };
        match input {
            Input::Opened(link) => market.opened(*link, &mut turn),
            Input::Closed(link, why) => market.closed(*link, why, &mut turn),
            Input::Frame(link, bytes) => market.frame(*link, bytes, &mut turn),
            Input::Heard(link) => market.heard(*link, now),
            Input::Wake => market.wake(&mut turn),
            Input::Told(_) | Input::Reply(..) | Input::NoReply(..) => {}
        }
    }

    /// What the market does is what orders are compared with before they are sent.
    fn note_market(&mut self, said: &[Output]) {
        let Some(trading) = &mut self.trading else { return };
        for output in said {
            match output {
                Output::Market(MarketEvent {
                    instrument, data: MarketData::Trade(trade), ..
                }) => {
                    trading.traded_at(*instrument, trade.price);
                }
                Output::Notice(Notice::Markets(false)) => trading.market_lost(),
                _ => {}
            }
        }
    }

    /// Says what is waited for, and that everything runs.
    fn report(&mut self, out: &mut Vec<Output>) {
        if self.live {
            return;
        }
        let clock = self.gate.clock_offset_nanos().is_some();
        let trading = self.trading.as_ref().is_none_or(Trading::is_live);
        let market = self.market.as_ref().is_some_and(Market::is_live);
        if self.opened && trading && market {
            self.live = true;
            out.push(Output::Notice(Notice::Live));
            return;
        }
        let waiting = match () {
            () if !self.opened => self.opening.waiting(clock),
            () if self.market.is_some() && !trading => "waiting for own events",
            // Market data says itself what it waits for.
            () => "",
        };
        if waiting != self.waiting {
            waiting.clone_into(&mut self.waiting);
            if !waiting.is_empty() {
                out.push(Output::Notice(Notice::Waiting(waiting.to_owned())));
            }
        }
    }
}

impl Machine for Spot {
    fn step(&mut self, input: Input<'_>, now: UnixNanos, chance: u64, out: &mut Vec<Output>) {
        self.now = now;
        let before = out.len();
        let own = self.gate.step(&input, now, chance, out);
        if !own {
            self.tell_market(&input, now, chance, out);
        }
        let woken = matches!(input, Input::Wake);
        if let Input::Told(told) = input {
            self.told(told, now, chance, out);
        }
        if !self.opened {
            self.opening.wake(now, &mut self.gate, out);
        }
        if woken && let Some(trading) = &mut self.trading {
            trading.wake(&mut trading::Turn { now, gate: &mut self.gate, out });
        }
        self.drain(now, chance, out);
        self.note_market(out.get(before..).unwrap_or_default());
        if !self.opened
            && let Some(found) = self.opening.take(&self.gate, out)
        {
            self.found(found, now, chance, out);
            self.drain(now, chance, out);
        }
        self.proofs.on_time(false, &mut proof::Turn { now, gate: &mut self.gate, out });
        self.report(out);
    }

    fn next_wake(&self) -> Option<UnixNanos> {
        let opening = if self.opened { None } else { self.opening.next_wake() };
        let trading = self.trading.as_ref().and_then(Trading::next_wake);
        let market = self.market.as_ref().and_then(Market::next_wake);
        let keys = self.proofs.next_wake();
        [self.gate.next_wake(), keys, opening, trading, market].into_iter().flatten().min()
    }

    fn gauges(&self) -> Gauges {
        let mut gauges = Gauges::default();
        self.gate.gauge(self.now, &mut gauges);
        self.proofs.gauge(&mut gauges);
        if let Some(trading) = &self.trading {
            trading.gauge(self.now, &mut gauges);
        }
        if let Some(market) = &self.market {
            market.gauge(self.now, &mut gauges);
        }
        gauges
    }

    fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let mut counts = self.gate.counts(self.now);
        counts.extend(self.proofs.counts());
        counts.extend(self.trading.iter().flat_map(Trading::counts));
        counts.extend(self.market.iter().flat_map(Market::counts));
        counts
    }
}

/// Answers a request where nobody can do it. Questions are not answered; they are asked again.
fn refuse(request: &VenueRequest, has_key: bool, now: UnixNanos, out: &mut Vec<Output>) {
    let text = if has_key { "the venue is not open yet" } else { "there is no key to trade with" };
    let mut answer = |order, to| {
        let outcome = Outcome::Rejected(Refusal { code: None, message: text.to_owned() });
        let answer = Answer { order, to, time: now, outcome };
        out.push(Output::Say(VenueMessage::Answer(answer)));
    };
    match request {
        VenueRequest::Submit(order) => answer(order.get().id, Asked::Submit),
        VenueRequest::SubmitPair { stop, profit } => {
            answer(stop.get().id, Asked::Submit);
            answer(profit.get().id, Asked::Submit);
        }
        VenueRequest::Cancel(cancel) => answer(cancel.order, Asked::Cancel),
        VenueRequest::Amend(change) => answer(change.get().order, Asked::Amend),
        VenueRequest::CancelAll(_) | VenueRequest::Query(_) | VenueRequest::Reconcile(_) => {}
    }
}
