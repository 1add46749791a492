//! Recorded streams through the machine: whole, and with any one line missing.

use std::{fs::File, io::Read, path::PathBuf};

use sandpit_core::{
    instrument::Instrument,
    market::{Book, DataKind, MarketData, MarketEvent},
    num::{Decimal, Price, Quantity},
    time::UnixNanos,
};
use sandpit_venue::{
    binance::{
        market::{Market, Quiet, Settings, TradeStream},
        stream::{SnapshotBridge, StreamMessage},
    },
    machine::{HttpReply, LinkId, Output, Wanted},
};

use crate::rig::{Asked, Dice, ID, MS, Notes, Rig, instrument};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Trade,
    Quote,
    Depth,
    Snapshot,
}

struct Line {
    at: UnixNanos,
    json: String,
    what: What,
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn read(name: &str) -> Option<Vec<Line>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/streams").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
        return None;
    }
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let line = |line: &str| {
        let (stamp, json) = line.split_once(' ').unwrap();
        let what = match StreamMessage::parse(json.as_bytes()).unwrap() {
            StreamMessage::Trade(_) => What::Trade,
            StreamMessage::BookTicker(_) => What::Quote,
            StreamMessage::DepthUpdate(_) => What::Depth,
            StreamMessage::DepthSnapshot(_) => What::Snapshot,
            other => panic!("{other:?}"),
        };
        let at = UnixNanos(stamp.parse().unwrap());
        Line { at, json: json.to_owned(), what }
    };
    Some(text.lines().map(line).collect())
}

/// The book as the recording has it.
#[derive(Clone, Default)]
struct Truth {
    book: Book,
    bridge: SnapshotBridge,
    sequence: u64,
}

impl Truth {
    fn take(&mut self, line: &Line, instrument: &Instrument) {
        if !matches!(line.what, What::Depth | What::Snapshot) {
            return;
        }
        let message = StreamMessage::parse(line.json.as_bytes()).unwrap();
        let event = message.to_event(instrument, ID, line.at).unwrap().unwrap();
        let again = self.bridge.after(&event);
        for event in std::iter::once(event).chain(again) {
            let MarketData::Depth(update) = event.data else { panic!("not of the book") };
            self.book.apply(&update).unwrap();
            if self.book.is_live() {
                self.sequence = self.sequence.max(update.last_sequence);
            }
        }
    }

    /// As REST would tell it: so many levels, and no more.
    fn snapshot(&self, instrument: &Instrument) -> String {
        let level = |(price, quantity): Level| {
            let price = Decimal::new(price.0, instrument.price_scale());
            let quantity = Decimal::new(quantity.0, instrument.quantity_scale());
            format!(r#"["{price}","{quantity}"]"#)
        };
        let side = |levels: Vec<String>| levels.join(",");
        format!(
            r#"{{"lastUpdateId":{},"bids":[{}],"asks":[{}]}}"#,
            self.sequence,
            side(self.book.bids().take(LEVELS).map(level).collect()),
            side(self.book.asks().take(LEVELS).map(level).collect())
        )
    }
}

/// Levels a side of a snapshot.
const LEVELS: usize = 1_000;

type Level = (Price, Quantity);

/// A run over lines.
struct Run<'a> {
    rig: Rig,
    link: LinkId,
    instrument: &'a Instrument,
    truth: Truth,
    /// The book as the host has it.
    book: Book,
    sequence: u64,
    told: [usize; 3],
    snapshots: usize,
    /// The deepest prices of the last snapshot. What is deeper is not known until it changes.
    known: [Price; 2],
    last_time: UnixNanos,
    /// A snapshot that is on its way.
    coming: Option<(UnixNanos, String)>,
}

/// How long a snapshot takes to be made, and to arrive.
const MADE_AFTER: u64 = 60 * MS;
const COMES_AFTER: u64 = 160 * MS;

impl<'a> Run<'a> {
    fn new(settings: Settings, instrument: &'a Instrument, truth: Truth, now: UnixNanos) -> Self {
        let market = Market::new(settings, vec![(ID, instrument.clone())]);
        let notes = Notes { ahead: 1_300 * MS, ..Notes::default() };
        let mut rig = Rig { market, notes, now, chance: 1 };
        let data = [DataKind::Trades, DataKind::Quotes, DataKind::Depth(20)];
        let data = data.into_iter().map(|kind| (ID, kind)).collect();
        let wanted = Wanted { data, history: Vec::new() };
        let out = rig.step(|market, turn| market.begin(&wanted, turn));
        let Some(Output::Open { link, .. }) =
            out.iter().find(|one| matches!(one, Output::Open { .. }))
        else {
            panic!("it opens a line: {out:?}");
        };
        let link = *link;
        let out = rig.step(|market, turn| market.opened(link, turn));
        let Some(Output::Send { text, .. }) = out.first() else { panic!("{out:?}") };
        assert_eq!(
            text,
            r#"{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@bookTicker","btcusdt@depth@100ms"],"id":1}"#
        );
        let mut run = Self {
            rig,
            link,
            instrument,
            truth,
            book: Book::default(),
            sequence: 0,
            told: [0; 3],
            snapshots: 0,
            known: [Price(0); 2],
            last_time: UnixNanos(0),
            coming: None,
        };
        run.frame(r#"{"result":null,"id":1}"#);
        run
    }

    fn frame(&mut self, json: &str) {
        let link = self.link;
        let out = self.rig.step(|market, turn| market.frame(link, json.as_bytes(), turn));
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for one in out {
            match one {
                Output::Market(event) => self.event(event),
                Output::Notice(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn event(&mut self, event: MarketEvent) {
        assert!(event.time >= self.last_time, "time goes back");
        self.last_time = event.time;
        match event.data {
            MarketData::Trade(_) => self.told[0] += 1,
            MarketData::Quote(_) => self.told[1] += 1,
            MarketData::Depth(update) => {
                self.told[2] += 1;
                if update.snapshot {
                    self.snapshots += 1;
                    let deepest = |levels: &[Level]| levels.last().map_or(Price(0), |last| last.0);
                    self.known = [deepest(&update.bids), deepest(&update.asks)];
                }
                self.book.apply(&update).unwrap();
                self.sequence = update.last_sequence;
                if let Some(((bid, _), (ask, _))) = self.book.best() {
                    assert!(bid < ask, "crossed");
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn time(&mut self, now: UnixNanos) {
        self.rig.now = now;
        while self.rig.market.next_wake().is_some_and(|at| at <= now) {
            let out = self.rig.step(|market, turn| market.wake(turn));
            self.take(out);
        }
        let asked = self.rig.notes.open.first().map(|(call, at, _)| (*call, at.0));
        let Some((call, asked)) = asked else { return };
        if self.coming.is_none() && now.0 >= asked + MADE_AFTER && self.truth.book.is_live() {
            let body = self.truth.snapshot(self.instrument);
            self.coming = Some((UnixNanos(asked + COMES_AFTER), body));
        }
        if self.coming.as_ref().is_some_and(|(at, _)| *at <= now) {
            let (_, body) = self.coming.take().unwrap();
            let (_, _, asked) = self.rig.notes.open.remove(0);
            assert!(matches!(asked, Asked::Depth { .. }), "{asked:?}");
            self.answer(call, &body);
        }
    }

    fn answer(&mut self, call: sandpit_venue::machine::CallId, body: &str) {
        let reply = HttpReply { status: 200, headers: &[], body: body.as_bytes() };
        let out = self.rig.step(|market, turn| market.reply(call, reply, turn));
        self.take(out);
    }

    /// One line of the recording; `lost` is one that never arrives.
    fn line(&mut self, line: &Line, lost: bool) {
        self.time(line.at.max(self.rig.now));
        self.truth.take(line, self.instrument);
        if line.what == What::Snapshot {
            // The recorded answer is the answer to the first question.
            if let Some((call, ..)) = self.rig.notes.open.pop() {
                self.coming = None;
                self.answer(call, &line.json);
            }
        } else if !lost {
            self.frame(&line.json);
        }
        if self.sequence == self.truth.sequence && line.what == What::Depth {
            assert_eq!(self.book.best(), self.truth.book.best(), "at {}", self.sequence);
        }
    }

    /// The host's book is the recording's, level by level, as deep as it is known.
    fn assert_equal(&self) {
        assert_eq!(self.sequence, self.truth.sequence);
        let (ours, theirs) = (&self.book, &self.truth.book);
        let [lowest, highest] = self.known;
        let bid = |level: &Level| level.0 >= lowest;
        let ask = |level: &Level| level.0 <= highest;
        let same_bids = ours.bids().take_while(bid).eq(theirs.bids().take_while(bid));
        let same_asks = ours.asks().take_while(ask).eq(theirs.asks().take_while(ask));
        assert!(same_bids && same_asks, "at {}", self.sequence);
    }
}

fn settings(usdm: bool) -> Settings {
    let none = Quiet { quotes: None, depth: None, trades: None, marks: None };
    let links = 100..200;
    let mut settings = if usdm {
        // One door, and no mark prices, as the recording has them.
        let settings = Settings::usdm("wss://venue/stream", "wss://venue/stream", links);
        Settings { always_marked: false, ..settings }
    } else {
        Settings::spot("wss://venue/stream", links)
    };
    settings.trades = TradeStream::Singles;
    settings.quiet = none;
    settings
}

struct Recording {
    lines: Vec<Line>,
    instrument: Instrument,
    usdm: bool,
    /// The book before the first line, where another recording ends there.
    truth: Truth,
}

impl Recording {
    fn run(&self) -> Run<'_> {
        self.run_from(self.truth.clone(), self.lines[0].at)
    }

    fn run_from(&self, truth: Truth, now: UnixNanos) -> Run<'_> {
        let settings = settings(self.usdm);
        Run::new(settings, &self.instrument, truth, now)
    }
}

fn recordings() -> Vec<Recording> {
    let spot = || instrument("BTCUSDT", "0.01", "0.00001000");
    let mut all = Vec::new();
    if let Some(lines) = read("binance-spot-btcusdt-20240808.gz") {
        let instrument = spot();
        let mut end = Truth::default();
        for line in &lines {
            end.take(line, &instrument);
        }
        all.push(Recording { lines, instrument, usdm: false, truth: Truth::default() });
        if let Some(lines) = read("binance-spot-btcusdt-20240809.gz") {
            all.push(Recording { lines, instrument: spot(), usdm: false, truth: end });
        }
    }
    if let Some(lines) = read("binance-usdm-btcusdt-20240808.gz") {
        let instrument = instrument("BTCUSDT", "0.10", "0.001");
        all.push(Recording { lines, instrument, usdm: true, truth: Truth::default() });
    }
    all
}

#[test]
fn every_line_passes_and_no_book_is_asked_for_twice() {
    for recording in recordings() {
        let mut run = recording.run();
        for line in &recording.lines {
            run.line(line, false);
        }
        let first = run.rig.count("market_book_snapshots_total");
        assert_eq!((first, run.snapshots), (1, 1));
        for none in [
            "market_book_gaps_total",
            "market_book_crossed_total",
            "market_trades_lost_total",
            "market_frames_bad_total",
            "market_frames_unknown_total",
        ] {
            assert_eq!(run.rig.count(none), 0, "{none}");
        }
        run.assert_equal();
        assert!(run.rig.market.is_live());
        let of = |what| recording.lines.iter().filter(|line| line.what == what).count();
        assert_eq!(run.told[0], of(What::Trade));
        let repeated = usize::try_from(run.rig.count("market_duplicates_total")).unwrap();
        assert!(run.told[1] + repeated >= of(What::Quote) && run.told[1] > 1_000);
        assert!(run.told[2] > of(What::Depth) - 40 && of(What::Depth) > 3_000);
    }
}

/// Runs over the lines around one that is lost, beginning in the middle of the recording.
fn lose(recording: &Recording, truth: &Truth, from: usize, lost: usize) {
    let lines = &recording.lines;
    let mut run = recording.run_from(truth.clone(), lines[from].at);
    let healed_at = lines[lost].at.0 + AFTER;
    for (at, line) in lines.iter().enumerate().skip(from) {
        if at == lost {
            assert!(run.rig.market.is_live(), "line {lost} of {}", lines.len());
        }
        run.line(line, at == lost);
        if line.at.0 >= healed_at && line.what == What::Depth {
            break;
        }
    }
    let what = lines[lost].what;
    let gaps = u64::from(what == What::Depth);
    let counts = |name: &str| run.rig.count(name);
    let message = format!("line {lost} of {}, {what:?}", lines.len());
    assert_eq!(counts("market_book_gaps_total"), gaps, "{message}");
    assert_eq!(counts("market_book_snapshots_total"), 1 + gaps, "{message}");
    assert_eq!(counts("market_trades_lost_total"), u64::from(what == What::Trade), "{message}");
    assert_eq!(counts("market_book_crossed_total"), 0, "{message}");
    assert!(run.rig.market.is_live(), "{message}");
    run.assert_equal();
}

/// Time before the lost line, in which the first snapshot comes, and after it, in which the gap is
/// healed.
const BEFORE: u64 = 2_000 * MS;
const AFTER: u64 = 2_000 * MS;

#[test]
fn any_one_line_lost_is_noticed_and_healed() {
    let mut dice = Dice(20_240_808);
    for recording in recordings() {
        let lines = &recording.lines;
        let begins = lines[0].at.0 + 5_000 * MS;
        let ends = lines.last().unwrap().at.0 - 5_000 * MS;
        let usable: Vec<usize> =
            (0..lines.len()).filter(|at| (begins..ends).contains(&lines[*at].at.0)).collect();
        let depth: Vec<usize> =
            usable.iter().copied().filter(|at| lines[*at].what == What::Depth).collect();
        // Any line by chance; the book's own, which are few among all; and all of a window.
        let count = u64::try_from(usable.len()).unwrap();
        let mut lost: Vec<usize> =
            (0..150).map(|_| usable[usize::try_from(dice.below(count)).unwrap()]).collect();
        lost.extend(depth.iter().copied().filter(|_| dice.permille(30)));
        let window = depth[depth.len() / 3];
        lost.extend(window..window + 200);
        lost.sort_unstable();
        lost.dedup();
        let mut truth = recording.truth.clone();
        let mut done = 0;
        for at in lost {
            let from = lines.partition_point(|line| line.at.0 + BEFORE < lines[at].at.0);
            for line in &lines[done..from] {
                truth.take(line, &recording.instrument);
            }
            done = from;
            lose(&recording, &truth, from, at);
        }
    }
}
