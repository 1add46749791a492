//! Market data of one connection to Binance: which streams are joined, books in sequence, bars
//! without gap or overlap, trades by their numbers, connections that are replaced before they are
//! cut. Pure: what happens comes in, what is wanted goes out; answers over REST are asked for
//! through [`Asks`].
//!
//! **Architecture invariant:** nothing is told out of order or twice, whatever connections do: every
//! event has a number of Binance's (trades, books, quotes) or an end (bars), and what is told next
//! is known by it.
//!
//! Before history is told, nothing of the market is. Then each instrument begins with its newest
//! quote, trade and book.
//!
//! Not here: orders and own events, how requests are sent, and what a strategy makes of the data.

mod bars;
mod book;
mod control;
mod counts;
mod line;
mod links;
mod listed;
mod marks;
mod plan;
mod quotes;
mod settings;
mod step;
mod trades;
mod warm_up;

pub use settings::{
    Dialect, Doors, LINKS_MIN, QUIET_MAX, Quiet, STREAMS_PER_LINK_MAX, Settings, TradeStream,
};

use std::collections::BTreeMap;

use sandpit_core::{ids::InstrumentId, instrument::Instrument, time::UnixNanos};

use self::{
    book::BookSync,
    control::Control,
    line::{Line, News},
    links::Links,
    listed::Listed,
    marks::MarkMessage,
    step::{Owner, Shared, Step},
};
use super::{
    gate::Asks,
    stream::{StreamError, StreamMessage},
};
use crate::gauges::{Gauges, MarketGauges};
use crate::machine::{CallId, HttpReply, LinkId, NoReply, Notice, Output, Wanted};

/// One call of the machine: when it is, a random number, where to ask, where to put what is wanted.
pub struct Turn<'a> {
    /// Our wall clock.
    pub now: UnixNanos,
    /// A fresh random number.
    pub chance: u64,
    /// The way to REST.
    pub asks: &'a mut dyn Asks,
    /// What is wanted.
    pub out: &'a mut Vec<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    WarmUp,
    Running,
    Ended,
}

/// Market data of one connection. See the head of this module.
#[derive(Debug)]
pub struct Market {
    settings: Settings,
    phase: Phase,
    listed: Vec<Listed>,
    by_symbol: BTreeMap<String, usize>,
    lines: Vec<Line>,
    links: Links,
    shared: Shared,
    up: bool,
    waiting: Option<String>,
    warm_alert_at: Option<UnixNanos>,
}

impl Market {
    /// Knows its instruments and does nothing yet.
    #[must_use]
    pub fn new(settings: Settings, instruments: Vec<(InstrumentId, Instrument)>) -> Self {
        let listed = plan::list(&settings, instruments);
        let by_symbol =
            listed.iter().map(|one| (one.place.symbol.clone(), one.place.index)).collect();
        Self {
            phase: Phase::Idle,
            listed,
            by_symbol,
            lines: Vec::new(),
            links: Links::new(settings.links.clone()),
            shared: Shared::default(),
            up: false,
            waiting: None,
            warm_alert_at: None,
            settings,
        }
    }

    /// Begins to listen. Once; what is wanted later is not heard.
    pub fn begin(&mut self, wanted: &Wanted, turn: &mut Turn<'_>) {
        if self.phase != Phase::Idle {
            return;
        }
        self.phase = Phase::WarmUp;
        let problems = plan::want(&self.settings, wanted, &mut self.listed);
        self.lines = plan::lines(&self.settings, &self.listed, turn.now);
        self.warm_alert_at = Some(turn.now.plus(self.settings.patience));
        let mut step = Step::new(turn, &mut self.shared);
        for problem in problems {
            step.alert(problem);
        }
        step.shared.changed = true;
        self.run(turn);
    }

    /// A connection is open.
    pub fn opened(&mut self, link: LinkId, turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        match self.lines.iter_mut().find(|line| line.has(link)) {
            Some(line) => line.opened(link, &self.settings, &mut step),
            // It was given up while it was being opened.
            None if self.links.contains(link) => step.put(Output::Close(link)),
            None => {}
        }
        self.run(turn);
    }

    /// A connection is gone, or could not be opened.
    pub fn closed(&mut self, link: LinkId, _why: &str, turn: &mut Turn<'_>) {
        self.links.free(link);
        let mut step = Step::new(turn, &mut self.shared);
        if let Some(at) = self.lines.iter().position(|line| line.has(link)) {
            let news = self.lines[at].closed(link, &mut step);
            spread(news, &self.lines[at], &mut self.listed, &mut step);
        }
        self.run(turn);
    }

    /// Something has come that is no text: a ping, a pong.
    pub fn heard(&mut self, link: LinkId, now: UnixNanos) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.has(link)) {
            line.heard(link, now);
        }
    }

    /// A text message has come whole.
    pub fn frame(&mut self, link: LinkId, bytes: &[u8], turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        step.shared.counts.frames += 1;
        let Some(at) = self.lines.iter().position(|line| line.has(link)) else {
            // Of a connection that was closed by us, and whose end has not come yet.
            return;
        };
        let line = &mut self.lines[at];
        line.heard(link, step.now);
        let told = match StreamMessage::parse(bytes) {
            Ok(message) => {
                let index = message.symbol().and_then(|symbol| self.by_symbol.get(symbol));
                index.map(|index| (*index, self.listed[*index].take(&message, &mut step)))
            }
            Err(StreamError::Unsupported { .. }) => {
                return self.no_market_data(at, link, bytes, turn);
            }
            Err(_) => return self.bad_frame(at, link, turn),
        };
        let Some((index, kind)) = told else {
            step.shared.counts.frames_unknown += 1;
            return;
        };
        let deadline = self.listed[index].deadline(&step);
        step.alarm(deadline);
        if let Some(kind) = kind {
            self.lines[at].told(index, kind, step.now);
        }
        if self.shared.changed {
            self.run(turn);
        }
    }

    fn bad_frame(&mut self, at: usize, link: LinkId, turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        step.shared.counts.frames_bad += 1;
        let news = self.lines[at].bad(link, &mut step);
        spread(news, &self.lines[at], &mut self.listed, &mut step);
        self.run(turn);
    }

    fn no_market_data(&mut self, at: usize, link: LinkId, bytes: &[u8], turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        if let Some(message) = MarkMessage::parse(bytes) {
            let index = self.by_symbol.get(message.symbol).copied();
            match index.and_then(|index| self.listed.get_mut(index)) {
                Some(one) => {
                    if let Some(kind) = one.mark(&message, &mut step) {
                        self.lines[at].told(one.place.index, kind, step.now);
                    }
                }
                None => step.shared.counts.frames_unknown += 1,
            }
            return;
        }
        let line = &mut self.lines[at];
        match control::read(bytes) {
            Control::Done(number) => line.done(link, number),
            Control::Refused(number, words) => line.refused(link, number, &words, &mut step),
            Control::Shutdown => line.shutdown(link, &step),
            Control::Unknown => step.shared.counts.frames_unknown += 1,
        }
        self.run(turn);
    }

    /// A call was answered.
    pub fn reply(&mut self, call: CallId, reply: HttpReply<'_>, turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        let owner = step.shared.calls.remove(&call);
        match owner {
            Some(Owner::Book(index)) => {
                let one = &mut self.listed[index];
                if let Some(book) = &mut one.book {
                    book.reply(&one.place, reply, &mut step);
                }
            }
            Some(Owner::Bars(index, series)) => {
                let one = &mut self.listed[index];
                if let Some(bars) = one.bars.get_mut(series) {
                    bars.reply(&one.place, reply, &mut step);
                }
            }
            Some(Owner::Trades(index)) => {
                let one = &mut self.listed[index];
                if let Some(trades) = &mut one.trades {
                    trades.reply(&one.place, reply, &mut step);
                }
            }
            None => return,
        }
        if reply.status != 200 {
            step.alert(format!("Binance answers {} to a question about the market", reply.status));
        }
        self.run(turn);
    }

    /// A call was not answered.
    pub fn no_reply(&mut self, call: CallId, _why: NoReply, turn: &mut Turn<'_>) {
        let mut step = Step::new(turn, &mut self.shared);
        match step.shared.calls.remove(&call) {
            Some(Owner::Book(index)) => {
                if let Some(book) = &mut self.listed[index].book {
                    book.no_reply(&mut step);
                }
            }
            Some(Owner::Bars(index, series)) => {
                if let Some(bars) = self.listed[index].bars.get_mut(series) {
                    bars.no_reply(&mut step);
                }
            }
            Some(Owner::Trades(index)) => {
                let one = &mut self.listed[index];
                if let Some(trades) = &mut one.trades {
                    trades.no_reply(&one.place, &mut step);
                }
            }
            None => return,
        }
        self.run(turn);
    }

    /// Its time has come.
    pub fn wake(&mut self, turn: &mut Turn<'_>) {
        if self.shared.take_alarm(turn.now) {
            self.run(turn);
        }
    }

    /// Closes its connections and asks nothing more.
    pub fn end(&mut self, turn: &mut Turn<'_>) {
        self.phase = Phase::Ended;
        let mut step = Step::new(turn, &mut self.shared);
        let calls: Vec<CallId> = step.shared.calls.keys().copied().collect();
        for call in calls {
            step.forget(call);
        }
        for line in &mut self.lines {
            line.end(&mut step);
        }
        self.lines.clear();
        self.say_whether_up(turn);
    }

    /// Does what is due, everywhere, and finds out when the next thing is.
    fn run(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Idle | Phase::Ended) {
            return;
        }
        let mut step = Step::new(turn, &mut self.shared);
        for line in &mut self.lines {
            let news = line.on_time(&self.settings, &mut self.links, &mut step);
            spread(news, line, &mut self.listed, &mut step);
        }
        for one in &mut self.listed {
            one.on_time(&mut step);
        }
        if self.phase == Phase::WarmUp {
            self.warm_up(turn);
        }
        let mut step = Step::new(turn, &mut self.shared);
        let alarms = self.lines.iter().map(|line| line.deadline(&self.settings));
        let parts = self.listed.iter().map(|one| one.deadline(&step));
        let next = step::earliest(alarms.chain(parts).chain([self.warm_alert_at]));
        step.alarm(next);
        if std::mem::take(&mut self.shared.changed) {
            self.say_what_is_waited_for(turn);
        }
        self.say_whether_up(turn);
    }

    /// Whether a connection is one of its own.
    #[must_use]
    pub fn owns_link(&self, link: LinkId) -> bool {
        self.links.contains(link)
    }

    /// Whether it waits for this answer.
    #[must_use]
    pub fn owns_call(&self, call: CallId) -> bool {
        self.shared.calls.contains_key(&call)
    }

    /// When it wants [`Self::wake`].
    #[must_use]
    pub const fn next_wake(&self) -> Option<UnixNanos> {
        self.shared.alarm()
    }

    /// Whether history is told, every stream is joined, and every book is in sequence.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Running
            && self.is_up()
            && self.listed.iter().all(|one| one.book.as_ref().is_none_or(BookSync::is_live))
    }

    /// Whether every stream is joined.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::WarmUp | Phase::Running) && self.lines.iter().all(Line::is_up)
    }

    /// Adds what is known of market data.
    pub fn gauge(&self, now: UnixNanos, gauges: &mut Gauges) {
        let counts = &self.shared.counts;
        gauges.market = MarketGauges {
            up: self.up,
            connects_total: counts.connects,
            disconnects_total: counts.connects_failed,
            renewals_total: counts.renewals,
            frames_total: counts.frames,
            decode_errors_total: counts.frames_bad,
            duplicates_total: counts.duplicates,
            gaps_total: counts.book_gaps,
            snapshots_total: counts.snapshots,
            trades_recovered_total: counts.trades_recovered,
            trades_lost_total: counts.trades_lost,
            silences_total: counts.silences + counts.quiet,
            heard_age_nanos: self
                .lines
                .iter()
                .filter_map(Line::heard_at)
                .min()
                .map(|at| now.since(at).0),
        };
    }

    /// Counts for people and for metrics.
    #[must_use]
    pub fn counts(&self) -> Vec<(String, &'static str, u64)> {
        self.shared.counts.list()
    }

    fn say_whether_up(&mut self, turn: &mut Turn<'_>) {
        let up = self.is_up();
        if std::mem::replace(&mut self.up, up) != up {
            turn.out.push(Output::Notice(Notice::Markets(up)));
        }
    }
}

/// Tells the instruments of a line what became of it.
fn spread(news: Option<News>, line: &Line, listed: &mut [Listed], step: &mut Step<'_>) {
    let Some(news) = news else { return };
    step.shared.changed = true;
    for stream in &line.streams {
        let one = &mut listed[stream.instrument];
        match news {
            News::Joined => one.line_joined(stream.kind, step),
            News::Lost => one.line_lost(stream.kind, step),
        }
    }
}
