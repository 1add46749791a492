//! The machine, the fake venue and the network between them, on one virtual clock.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    ids::InstrumentId,
    market::DataKind,
    time::{Nanos, UnixNanos},
};
use sandpit_venue::{
    binance::market::{Market, Settings},
    machine::{CallId, HttpReply, LinkId, NoReply, Output, Wanted},
};

use crate::{
    ledger::Ledger,
    rig::{Asked, Dice, MS, Notes, Rig, SECOND, instrument},
    venue::{STEP_MS, Symbol},
};

/// The venue's clock less ours.
pub(crate) const AHEAD_MS: u64 = 1_300;
/// Ours, when it begins. In the middle of a minute, so that bars are being made.
pub(crate) const BEGINS_MS: u64 = 1_700_000_021_350;

/// How often the network and the venue do what, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Messages lost, doubled, late behind others.
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) late: u64,
    /// Messages cut short.
    pub(crate) cut: u64,
    /// Connections cut, or dead without a word, at each step of the venue.
    pub(crate) cuts: u64,
    pub(crate) dead: u64,
    /// A stream of a connection that tells nothing any more, while the others do.
    pub(crate) mute: u64,
    /// Connections that cannot be opened.
    pub(crate) closed_doors: u64,
    /// Subscriptions refused.
    pub(crate) refused: u64,
    /// Answers that are 5xx, that do not come, that come late.
    pub(crate) unavailable: u64,
    pub(crate) unanswered: u64,
    pub(crate) slow: u64,
    /// The server says that it goes away, and does.
    pub(crate) shutdowns: u64,
}

#[derive(Debug)]
enum Happens {
    Step,
    Opened(LinkId),
    Closed(LinkId),
    Frame(LinkId, String),
    Ping(LinkId),
    Serve(CallId, Asked),
    Reply(CallId, u16, String),
    NoReply(CallId),
}

#[derive(Default)]
struct Link {
    is_open: bool,
    dead: bool,
    warned: bool,
    streams: BTreeSet<String>,
    mute: BTreeSet<String>,
    /// Nothing arrives before what was sent before it.
    last_arrival: u64,
    sends: Vec<u64>,
}

pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    dice: Dice,
    queue: BTreeMap<(u64, u64), Happens>,
    queued: u64,
    links: BTreeMap<LinkId, Link>,
    streams_max: usize,
    pub(crate) refusals: u64,
}

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::spot("wss://venue/stream", 10..40);
    settings.streams_per_link_max = 4;
    settings.renew_after = Nanos(40 * SECOND);
    settings.renew_jitter = Nanos(15 * SECOND);
    settings.link_silence = Nanos(5 * SECOND);
    settings.quiet.quotes = Some(Nanos(3 * SECOND));
    settings.quiet.depth = Some(Nanos(3 * SECOND));
    settings.quiet.trades = Some(Nanos(6 * SECOND));
    settings.bar_late = Nanos(4 * SECOND);
    settings.patience = Nanos(10 * SECOND);
    settings
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings, names: &[&str], futures: bool) -> Self {
        let mut dice = Dice(seed);
        let now_ms = BEGINS_MS + AHEAD_MS;
        let symbols: Vec<Symbol> = names
            .iter()
            .map(|name| Symbol::new(name, now_ms - now_ms % STEP_MS, futures, &mut dice))
            .collect();
        let ids = (0u16..).map(InstrumentId);
        let instruments =
            ids.zip(names).map(|(id, name)| (id, instrument(name, "0.01", "0.001"))).collect();
        let streams_max = settings.streams_per_link_max;
        let market = Market::new(settings, instruments);
        // Our idea of the venue's clock is a little off.
        let ahead = (AHEAD_MS + 40 - dice.below(80)) * MS;
        let notes = Notes { ahead, ..Notes::default() };
        let rig = Rig { market, notes, now: UnixNanos(BEGINS_MS * MS), chance: seed };
        let mut world = Self {
            rig,
            ledger: Ledger::new(symbols.len()),
            symbols,
            faults: Faults::default(),
            dice,
            queue: BTreeMap::new(),
            queued: 0,
            links: BTreeMap::new(),
            streams_max,
            refusals: 0,
        };
        world.later(0, Happens::Step);
        world
    }

    fn now(&self) -> u64 {
        self.rig.now.0
    }

    pub(crate) fn venue_ms(&self) -> u64 {
        self.now() / MS + AHEAD_MS
    }

    fn later(&mut self, nanos: u64, what: Happens) {
        self.queued += 1;
        self.queue.insert((self.now() + nanos, self.queued), what);
    }

    pub(crate) fn begin(&mut self, data: &[(u16, DataKind)], history: &[(u16, u64, u32)]) {
        let wanted = Wanted {
            data: data.iter().map(|(id, kind)| (InstrumentId(*id), *kind)).collect(),
            history: history
                .iter()
                .map(|(id, seconds, bars)| (InstrumentId(*id), Nanos(seconds * SECOND), *bars))
                .collect(),
        };
        let out = self.rig.step(|market, turn| market.begin(&wanted, turn));
        self.take(out);
    }

    /// Goes on for so many seconds.
    pub(crate) fn run(&mut self, seconds: u64) {
        let end = self.now() + seconds * SECOND;
        let (mut woken_at, mut woken) = (0, 0);
        loop {
            let next = self.queue.first_key_value().map_or(end, |((at, _), _)| *at);
            let wake = self.rig.market.next_wake().map_or(u64::MAX, |at| at.0);
            let at = next.min(wake).min(end);
            self.rig.now = UnixNanos(at.max(self.now()));
            if at >= end {
                return;
            }
            if wake <= next {
                woken = if woken_at == self.now() { woken + 1 } else { 0 };
                woken_at = self.now();
                assert!(woken < 20, "it wants to be woken again and again");
                let out = self.rig.step(|market, turn| market.wake(turn));
                self.take(out);
            } else if let Some((_, what)) = self.queue.pop_first() {
                self.happen(what);
            }
        }
    }

    fn happen(&mut self, what: Happens) {
        let out = match what {
            Happens::Step => return self.venue_step(),
            Happens::Opened(link) => {
                self.links.entry(link).or_default().is_open = true;
                self.later(2 * SECOND, Happens::Ping(link));
                self.rig.step(|market, turn| market.opened(link, turn))
            }
            Happens::Closed(link) => {
                if self.links.remove(&link).is_none() {
                    return;
                }
                self.rig.step(|market, turn| market.closed(link, "cut", turn))
            }
            Happens::Frame(link, text) => {
                if !self.links.contains_key(&link) {
                    return;
                }
                self.rig.step(|market, turn| market.frame(link, text.as_bytes(), turn))
            }
            Happens::Ping(link) => {
                if self.links.get(&link).is_none_or(|link| link.dead) {
                    return;
                }
                self.rig.market.heard(link, self.rig.now);
                return self.later(2 * SECOND, Happens::Ping(link));
            }
            Happens::Serve(call, asked) => return self.serve(call, &asked),
            Happens::Reply(call, status, body) => {
                if !self.rig.market.owns_call(call) {
                    return;
                }
                self.rig.step(|market, turn| {
                    let reply = HttpReply { status, headers: &[], body: body.as_bytes() };
                    market.reply(call, reply, turn);
                })
            }
            Happens::NoReply(call) => {
                self.rig.step(|market, turn| market.no_reply(call, NoReply::TimedOut, turn))
            }
        };
        self.take(out);
    }

    fn serve(&mut self, call: CallId, asked: &Asked) {
        let (Asked::Depth { symbol }
        | Asked::Klines { symbol, .. }
        | Asked::AggTrades { symbol, .. }) = asked;
        let body = self.symbols.iter().find(|one| one.name == *symbol).unwrap().answer(asked);
        let mut after = (10 + self.dice.below(100)) * MS;
        if self.dice.permille(self.faults.slow) {
            after += self.dice.below(4_000) * MS;
        }
        if self.dice.permille(self.faults.unavailable) {
            let status = [500, 503, 504, 429][usize::try_from(self.dice.below(4)).unwrap()];
            self.later(after, Happens::Reply(call, status, "busy".to_owned()));
        } else if self.dice.permille(self.faults.unanswered) {
            self.later(after, Happens::NoReply(call));
        } else {
            self.later(after, Happens::Reply(call, 200, body));
        }
    }

    fn venue_step(&mut self) {
        self.later(STEP_MS * MS, Happens::Step);
        let now_ms = self.venue_ms();
        for at in 0..self.symbols.len() {
            let told = self.symbols[at].live(now_ms - now_ms % STEP_MS, &mut self.dice);
            for (stream, text) in told {
                self.tell(&stream, &text);
            }
        }
        let open: Vec<LinkId> = self.links.keys().copied().collect();
        for id in open {
            let is_open = self.links[&id].is_open;
            if self.dice.permille(self.faults.cuts) {
                self.later(self.dice.clone().below(100) * MS, Happens::Closed(id));
            }
            if is_open && !self.links[&id].warned && self.dice.permille(self.faults.shutdowns) {
                self.links.get_mut(&id).unwrap().warned = true;
                let text = r#"{"e":"serverShutdown","E":1770123456789}"#.to_owned();
                self.later(MS, Happens::Frame(id, text));
                self.later(60 * SECOND, Happens::Closed(id));
            }
            let (dead, mute) =
                (self.dice.permille(self.faults.dead), self.dice.permille(self.faults.mute));
            let victim = usize::try_from(self.dice.below(4)).unwrap();
            let link = self.links.get_mut(&id).unwrap();
            link.dead |= dead;
            if mute && let Some(stream) = link.streams.iter().nth(victim) {
                link.mute.insert(stream.clone());
            }
        }
    }

    /// A stream tells something, on each connection that has joined it.
    fn tell(&mut self, stream: &str, text: &str) {
        let has = |link: &Link| {
            link.is_open
                && !link.dead
                && link.streams.contains(stream)
                && !link.mute.contains(stream)
        };
        let links: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| has(link)).map(|(id, _)| *id).collect();
        for id in links {
            if self.dice.permille(self.faults.lost) {
                continue;
            }
            let mut frame = format!(r#"{{"stream":"{stream}","data":{text}}}"#);
            if self.dice.permille(self.faults.cut) {
                frame.truncate(frame.len() / 2);
            }
            let times = 1 + u64::from(self.dice.permille(self.faults.doubled));
            for _ in 0..times {
                let late = self.dice.permille(self.faults.late);
                self.send(id, frame.clone(), late);
            }
        }
    }

    fn send(&mut self, id: LinkId, frame: String, late: bool) {
        let delay = (2 + self.dice.below(30)) * MS;
        let now = self.now();
        let Some(link) = self.links.get_mut(&id) else { return };
        let at = if late {
            now + delay + self.dice.below(500) * MS
        } else {
            link.last_arrival = link.last_arrival.max(now + delay);
            link.last_arrival
        };
        self.later(at - now, Happens::Frame(id, frame));
    }

    fn take(&mut self, out: Vec<Output>) {
        for one in out {
            match one {
                Output::Open { link, url } => {
                    assert_eq!(url, "wss://venue/stream");
                    assert!(self.links.insert(link, Link::default()).is_none(), "{link:?} twice");
                    let after = (20 + self.dice.below(200)) * MS;
                    let door = self.dice.permille(self.faults.closed_doors);
                    let what = if door { Happens::Closed(link) } else { Happens::Opened(link) };
                    self.later(after, what);
                }
                Output::Close(link) => {
                    let after = self.dice.below(50) * MS;
                    self.later(after, Happens::Closed(link));
                }
                Output::Send { link, text } => self.hear(link, &text),
                Output::Market(event) => self.ledger.market(event, &self.symbols),
                Output::History(event) => self.ledger.history(&event),
                Output::Notice(notice) => self.ledger.notices.push(format!("{notice:?}")),
                Output::Call(_) | Output::Say(_) => panic!("{one:?}"),
            }
        }
        for (call, _, asked) in std::mem::take(&mut self.rig.notes.open) {
            let after = (10 + self.dice.below(80)) * MS;
            self.later(after, Happens::Serve(call, asked));
        }
    }

    /// The venue gets a message on a connection.
    fn hear(&mut self, id: LinkId, text: &str) {
        let now = self.now();
        let refused = self.dice.permille(self.faults.refused);
        let streams_max = self.streams_max;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.sends.push(now);
        let within = link.sends.iter().filter(|at| now - **at < SECOND).count();
        assert!(within <= 5, "more than five messages in a second");
        let request: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(request["method"], "SUBSCRIBE");
        let number = request["id"].as_u64().unwrap();
        if refused {
            self.refusals += 1;
            let text = format!(r#"{{"error":{{"code":2,"msg":"no"}},"id":{number}}}"#);
            return self.send(id, text, false);
        }
        let names = request["params"].as_array().unwrap().iter();
        link.streams.extend(names.map(|name| name.as_str().unwrap().to_owned()));
        assert!(link.streams.len() <= streams_max);
        if !link.dead {
            self.send(id, format!(r#"{{"result":null,"id":{number}}}"#), false);
        }
    }
}
