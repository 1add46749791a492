//! Paper sessions as processes: what they do, what they remember, and that they survive being
//! killed.

mod admin;
mod kills;
mod operator;
mod sessions;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    sync::OnceLock,
};

use rust_decimal::Decimal;
use sandpit_core::{
    engine::Record,
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal as Exact, Price, Quantity, Rate},
    order::OrderState,
    time::UnixNanos,
};
use sandpit_journal::{
    journal::{Entry, JournalReader, Row, Verdict, verify},
    tape::{TapeClock, TapeHeader, TapeWriter},
};
use serde_json::Value;

use super::support::{Run, root, run, sandpit};

/// First moment of the market: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000_000_000;
/// Between two events.
const PACE: u64 = 250_000_000;
/// The price at the start, in ticks of 0.1.
const OPENING: i64 = 600_000;

/// A generator of numbers (splitmix64): the same seed gives the same test.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }
}

/// A folder with a market, a configuration and, after the first run, a memory.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    /// A market of so many events, and these strategies on it.
    fn new(events: u64, plugins: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_market(&folder.path().join("market.tape"), events);
        let stage = Self { folder };
        stage.configure(plugins);
        stage
    }

    fn configure(&self, rest: &str) {
        let text = format!("version = 1\ntapes = [\"market.tape\"]\n{rest}");
        fs::write(self.path().join("run.toml"), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn memory(&self, file: &str) -> PathBuf {
        self.path().join("memory").join(file)
    }

    /// The command with what every session here has.
    fn command(&self, more: &[&str]) -> Command {
        let words = ["--json", "paper", "run.toml", "--state", "memory", "--speed", "max"];
        let mut command = sandpit(self.path());
        command.args(words).arg("--until-end").args(more);
        command
    }

    /// A session to the end of its market.
    fn play(&self, more: &[&str], exit: i32) -> Value {
        Run::from(self.command(more).output().unwrap()).ends(exit).json()
    }

    /// What the venue knows.
    fn venue(&self) -> Value {
        let words = ["--json", "paper-venue", "show", "run.toml", "--state", "memory"];
        run(self.path(), &words).ends(0).json()
    }

    /// The journal, verified.
    fn journal(&self) -> Vec<Row> {
        let path = self.memory("session.journal");
        let verdict = verify(&path, None).unwrap();
        assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
        let reader = JournalReader::open(path).unwrap();
        reader.entries().map(|row| row.unwrap()).collect()
    }

    /// Asserts that what the session says, what its journal says, and what the venue says are one.
    fn compare(&self, said: &Value) -> Compared {
        let compared = Compared::new(&self.journal());
        compared.check(said, &self.venue());
        compared
    }
}

fn market_maker() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built("market-maker"))
}

fn grid() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built("grid"))
}

fn runaway() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built("runaway"))
}

/// One of the example strategies as a component.
fn built(plugin: &str) -> PathBuf {
    let folder = root().join("plugins").join(plugin);
    let out = super::support::strategies_target().join(format!("paper-{plugin}.wasm"));
    run(&folder, &["plugin", "build", ".", "--out", out.to_str().unwrap()]).ends(0);
    out
}

/// A strategy that has two orders in the market all the time.
fn maker(name: &str) -> String {
    format!(
        "[[plugins]]\nname = \"{name}\"\ncomponent = {:?}\nbudget = \"100000\"\n\
         [plugins.parameters]\nquantity = \"0.1\"\nmax-inventory = \"0.5\"\n\
         half-spread = \"0.00001\"\nskew = \"0.00002\"\n",
        market_maker()
    )
}

/// A strategy that saves what it knows.
fn grid_plugin(name: &str) -> String {
    format!(
        "[[plugins]]\nname = \"{name}\"\ncomponent = {:?}\nbudget = \"100000\"\n\
         [plugins.parameters]\nlines = 8\nspacing = \"0.00005\"\nquantity = \"0.05\"\n",
        grid()
    )
}

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "made".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Exact::new(1, 1),
        quantity_step: Exact::new(1, 3),
        min_quantity: Exact::new(1, 3),
        max_quantity: Exact::new(1_000, 0),
        min_notional: Exact::new(5, 0),
        multiplier: Exact::new(1, 0),
        maker_fee: Rate(20_000_000),
        taker_fee: Rate(500_000_000),
    })
    .unwrap()
}

/// A price that wanders, quotes around it and trades at them.
fn write_market(path: &Path, events: u64) {
    let header = TapeHeader {
        instruments: vec![instrument()],
        clock: TapeClock::Host,
        source: "made by a test".to_owned(),
    };
    let mut tape = TapeWriter::create(path, &header).unwrap();
    let (mut dice, mut bid, mut spread) = (Dice(5), OPENING, 2);
    for index in 0..events {
        let data = if index % 2 == 0 {
            bid += i64::try_from(dice.below(9)).unwrap() - 4;
            spread = i64::try_from(dice.below(4)).unwrap() + 1;
            MarketData::Quote(Quote {
                bid_price: Price(bid),
                bid_quantity: Quantity(i64::try_from(dice.below(2_000)).unwrap() + 1),
                ask_price: Price(bid + spread),
                ask_quantity: Quantity(i64::try_from(dice.below(2_000)).unwrap() + 1),
            })
        } else {
            let sells = dice.below(2) == 0;
            // Some sweep through the quote, and hit what waits behind it.
            let through = i64::try_from(dice.below(16).saturating_sub(6)).unwrap();
            MarketData::Trade(Trade {
                price: Price(if sells { bid - through } else { bid + spread + through }),
                quantity: Quantity(i64::try_from(dice.below(500)).unwrap() + 1),
                aggressor: Some(if sells { Side::Sell } else { Side::Buy }),
                id: index + 1,
            })
        };
        let time = UnixNanos(START + index * PACE);
        let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
        tape.append(&event).unwrap();
    }
    tape.finish().unwrap();
}

fn number(value: &Value) -> Decimal {
    Decimal::from_str(value.as_str().unwrap_or_else(|| panic!("no number: {value}"))).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// One execution, by its order, number, side, price, quantity and fee.
type FillLine = (String, u64, bool, Decimal, Decimal, Decimal);

/// What the journal says, reckoned again from its rows in plain arithmetic.
#[derive(Debug, Default)]
struct Compared {
    orders: BTreeSet<String>,
    /// How orders ended.
    closed: BTreeMap<String, OrderState>,
    fills: Vec<FillLine>,
    lost: u64,
}

impl Compared {
    fn new(rows: &[Row]) -> Self {
        let mut all = Self::default();
        for row in rows {
            let Entry::Core(record) = &row.entry else { continue };
            match record {
                Record::Submitted { order, .. } => {
                    let new = all.orders.insert(order.id.to_string());
                    assert!(new, "{} was submitted twice", order.id);
                }
                Record::Closed { order, state, .. } => {
                    all.closed.insert(order.id.to_string(), *state);
                }
                Record::Moved { to: OrderState::Unknown, .. } => all.lost += 1,
                Record::Filled { order, fill, .. } => all.fills.push((
                    order.id.to_string(),
                    fill.trade_id.0,
                    order.side == Side::Buy,
                    Decimal::new(fill.price.0, 1),
                    Decimal::new(fill.quantity.0, 3),
                    Decimal::from_str(&fill.fee.to_string()).unwrap(),
                )),
                _ => {}
            }
        }
        all.fills.sort();
        all
    }

    /// Position and cash of all executions.
    fn sums(fills: &[FillLine]) -> (Decimal, Decimal) {
        let mut sums = (Decimal::ZERO, Decimal::ZERO);
        for (_, _, buy, price, quantity, fee) in fills {
            let signed = if *buy { *quantity } else { -*quantity };
            sums.0 += signed;
            sums.1 -= signed * price + fee;
        }
        sums
    }

    /// Orders that did not arrive.
    fn never_arrived(&self) -> usize {
        self.closed.values().filter(|state| **state == OrderState::Rejected).count()
    }

    fn check(&self, said: &Value, venue: &Value) {
        // Every execution of the venue is booked exactly once.
        let ours = list(&venue["fills"]).iter().filter(|fill| !fill["order"].is_null());
        let mut fills: Vec<FillLine> = ours.map(fill_line).collect();
        fills.sort();
        assert_eq!(fills.len(), self.fills.len(), "executions there and here");
        assert_eq!(fills, self.fills);
        // Positions and cash, in three ways.
        let (position, cash) = Self::sums(&self.fills);
        assert_eq!(number(&said["cash"]), cash);
        let plugins = list(&said["plugins"]).iter();
        let held: Decimal = plugins.flat_map(|plugin| list(&plugin["positions"])).map(held).sum();
        assert_eq!(held, position);
        let outside: Decimal = list(&said["external"]).iter().map(self::held).sum();
        let there: Decimal = list(&venue["positions"]).iter().map(self::held).sum();
        assert_eq!(there, position + outside, "position at the venue");
        if list(&said["external"]).is_empty() {
            assert_eq!(number(&venue["cash"]), cash, "cash at the venue");
        }
        self.check_orders(said, venue);
    }

    fn check_orders(&self, said: &Value, venue: &Value) {
        assert_eq!(venue["duplicates"], 0, "client order ids that came twice");
        assert_eq!(said["orders_in_doubt"], 0);
        let name = |order: &Value| order["order"].as_str().unwrap().to_owned();
        let ours = || list(&venue["orders"]).iter().filter(|order| order["ours"] == true);
        let there: BTreeSet<String> = ours().map(name).collect();
        assert_eq!(there.difference(&self.orders).next(), None, "an order that we never sent");
        for lost in self.orders.difference(&there) {
            let end = self.closed.get(lost);
            assert_eq!(end, Some(&OrderState::Rejected), "{lost} never arrived: what became of it");
        }
        let open: BTreeSet<String> =
            ours().filter(|order| order["open"] == true).map(name).collect();
        let ended: BTreeSet<String> = self.closed.keys().cloned().collect();
        let left: BTreeSet<String> = self.orders.difference(&ended).cloned().collect();
        assert_eq!(left, open, "open orders here and there");
        assert_eq!(said["open_orders"].as_u64(), u64::try_from(open.len()).ok());
    }
}

fn held(position: &Value) -> Decimal {
    number(&position["quantity"])
}

fn fill_line(fill: &Value) -> FillLine {
    (
        fill["order"].as_str().unwrap().to_owned(),
        fill["trade"].as_u64().unwrap(),
        fill["side"] == "buy",
        number(&fill["price"]),
        number(&fill["quantity"]),
        number(&fill["fee"]),
    )
}
