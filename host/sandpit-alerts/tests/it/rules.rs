//! Every rule by its cause: once and not a hundred times, once more when it is worse, and once when
//! it is over.

use sandpit_alerts::{
    Change, Name, Rule, Severity, Signal, Text,
    rules::{Beat, KeyClass, LineState, Observation, OrderOutcome, Rules, RulesConfig},
};
use sandpit_core::{
    num::{Decimal, Money},
    time::{Nanos, UnixNanos},
};

const START: UnixNanos = UnixNanos(1_790_000_000_000_000_000);

/// Rules in virtual time, and what they said in short.
struct Bench {
    rules: Rules,
    now: UnixNanos,
    said: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        Self::with("")
    }

    fn with(config: &str) -> Self {
        let config: RulesConfig = toml::from_str(config).unwrap();
        config.check().unwrap();
        Self { rules: Rules::new(&config), now: START, said: Vec::new() }
    }

    fn see(&mut self, seen: &Observation) {
        let mut out = Vec::new();
        self.rules.observe(self.now, seen, &mut out);
        self.note(out);
    }

    /// Second by second.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = self.now.plus(Nanos::SECOND);
            let mut out = Vec::new();
            self.rules.tick(self.now, &mut out);
            self.note(out);
        }
    }

    fn note(&mut self, signals: Vec<Signal>) {
        for Signal { at, rule, subject, change } in signals {
            assert_eq!(at, self.now);
            let word = match change {
                Change::Raised { severity, ref text } => {
                    assert!(!text.as_str().is_empty());
                    severity.to_string()
                }
                Change::Cleared { .. } => "over".to_owned(),
            };
            self.said.push(format!("{rule} {subject}: {word}"));
        }
    }

    /// What was said since the last time.
    #[track_caller]
    fn said(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.said), expected);
    }
}

fn name(text: &str) -> Name {
    Name::from(text)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::from_decimal(decimal(text)).unwrap()
}

fn fill(price: &str, quantity: &str, reference: Option<&str>) -> Observation {
    Observation::Fill {
        instrument: name("BTCUSDT"),
        plugin: name("ema"),
        price: decimal(price),
        quantity: decimal(quantity),
        reference: reference.map(decimal),
    }
}

#[test]
fn fills_at_a_strange_price() {
    let mut bench = Bench::new();
    // One percent is a warning from its next basis point on, in both directions.
    for price in ["100", "101", "99.00"] {
        bench.see(&fill(price, "1", Some("100")));
    }
    bench.see(&fill("150", "1", None));
    bench.see(&fill("150", "1", Some("0")));
    bench.said(&[]);
    for _ in 0..100 {
        bench.see(&fill("101.000000000000001", "1", Some("100")));
        bench.pass(1);
    }
    bench.said(&["fill-price BTCUSDT: warning"]);
    for _ in 0..100 {
        bench.see(&fill("94.9", "1", Some("100")));
    }
    bench.said(&["fill-price BTCUSDT: critical"]);
    bench.pass(599);
    bench.said(&[]);
    bench.pass(100);
    bench.said(&["fill-price BTCUSDT: over"]);
}

#[test]
fn fills_of_a_strange_size() {
    let mut bench = Bench::with("[fill_size]\ncritical_notional = \"100000\"");
    for at in 0..19 {
        bench.see(&fill("100", &format!("1.{at:02}"), None));
    }
    // There is no median to speak of yet.
    bench.see(&fill("100", "900", None));
    bench.said(&[]);
    bench.see(&fill("100", "10", None));
    bench.said(&[]);
    for _ in 0..3 {
        bench.see(&fill("100", "12", None));
    }
    bench.said(&["fill-size BTCUSDT: warning"]);
    bench.see(&fill("0.01", "900", None));
    bench.said(&["fill-size BTCUSDT: critical"]);
    bench.pass(600);
    bench.said(&["fill-size BTCUSDT: over"]);
    for _ in 0..100 {
        bench.see(&fill("50000.01", "2", None));
    }
    bench.said(&["fill-size BTCUSDT: critical"]);
}

#[test]
fn unusual_volume() {
    let mut bench = Bench::new();
    let see = |bench: &mut Bench, volume: &str| {
        let (instrument, interval) = (name("BTCUSDT"), Nanos(60 * Nanos::SECOND.0));
        bench.see(&Observation::Volume { instrument, interval, volume: decimal(volume) });
        bench.pass(60);
    };
    for at in 0..40u32 {
        see(&mut bench, &format!("{}.5", 100 + at % 7));
    }
    // Much for the score, and less than three times the median.
    see(&mut bench, "250");
    bench.said(&[]);
    see(&mut bench, "312");
    see(&mut bench, "400");
    see(&mut bench, "400");
    bench.said(&["volume BTCUSDT 60 s: critical"]);
    // Between the bounds it goes on.
    see(&mut bench, "110.5");
    bench.said(&[]);
    see(&mut bench, "104");
    bench.said(&["volume BTCUSDT 60 s: over"]);
}

#[test]
fn where_nothing_is_traded_nothing_is_usual() {
    let mut bench = Bench::new();
    for at in 0..60 {
        let volume = decimal(if at % 9 == 0 { "5" } else { "0" });
        let (instrument, interval) = (name("X"), Nanos::SECOND);
        bench.see(&Observation::Volume { instrument, interval, volume });
    }
    bench.said(&[]);
}

fn order(outcome: OrderOutcome) -> Observation {
    Observation::Order { plugin: name("ema"), outcome }
}

#[test]
fn orders_that_fail() {
    let mut bench = Bench::new();
    for at in 0..40 {
        let is_bad = at % 5 == 4;
        let outcome = if is_bad { OrderOutcome::Rejected } else { OrderOutcome::Accepted };
        bench.see(&order(outcome));
        bench.pass(1);
    }
    bench.said(&["order-failures ema: warning"]);
    for _ in 0..100 {
        bench.see(&order(OrderOutcome::Unknown));
    }
    bench.said(&["order-failures ema: critical"]);
    for _ in 0..200 {
        bench.see(&order(OrderOutcome::Accepted));
        bench.pass(1);
    }
    bench.said(&[]);
    for _ in 0..200 {
        bench.see(&order(OrderOutcome::Accepted));
        bench.pass(1);
    }
    bench.said(&["order-failures ema: over"]);
}

#[test]
fn few_orders_that_all_fail() {
    let mut bench = Bench::new();
    for _ in 0..9 {
        bench.see(&order(OrderOutcome::Rejected));
        bench.pass(3_600);
    }
    // Each is forgotten before the next comes, and they are in a row all the same.
    let warnings = bench.said.iter().filter(|said| said.ends_with("warning")).count();
    assert!(warnings >= 1, "{:?}", bench.said);
    bench.said.clear();
    bench.see(&order(OrderOutcome::Accepted));
    bench.pass(600);
    bench.see(&order(OrderOutcome::Rejected));
    bench.said(&[]);
}

fn line(state: LineState) -> Observation {
    Observation::Line { line: name("orders"), state }
}

#[test]
fn lines_that_are_down() {
    let mut bench = Bench::new();
    bench.see(&line(LineState::Up));
    bench.pass(100);
    for _ in 0..100 {
        bench.see(&line(LineState::Down));
    }
    bench.pass(9);
    bench.said(&[]);
    bench.pass(2);
    bench.said(&["connection orders: warning"]);
    bench.pass(100);
    bench.said(&["connection orders: critical"]);
    bench.see(&line(LineState::Up));
    bench.pass(29);
    bench.said(&[]);
    bench.pass(2);
    bench.said(&["connection orders: over"]);
}

#[test]
fn lines_that_keep_going_down() {
    let mut bench = Bench::new();
    for _ in 0..20 {
        bench.see(&line(LineState::Down));
        bench.pass(2);
        bench.see(&line(LineState::Up));
        bench.pass(40);
    }
    bench.said(&["connection orders: warning"]);
    bench.pass(4_000);
    bench.said(&["connection orders: over"]);
}

#[test]
fn gaps() {
    let mut bench = Bench::new();
    for _ in 0..30 {
        bench.see(&Observation::Gap { line: name("trades"), missed: 2 });
        bench.pass(1);
    }
    bench.said(&["gaps trades: warning", "gaps trades: critical"]);
    bench.pass(700);
    bench.said(&["gaps trades: over"]);
    bench.see(&Observation::Gap { line: name("trades"), missed: 1 });
    bench.said(&[]);
}

fn equity(amount: &str) -> Observation {
    Observation::Equity { scope: name("account"), equity: money(amount) }
}

#[test]
fn money_that_is_lost_quickly() {
    let mut bench = Bench::with("[pnl_velocity]\nwarn_loss = \"50\"\ncritical_loss = \"5000\"");
    // One percent in an hour is nothing, and so is a gain.
    for at in 0..3_600 {
        bench.see(&equity(&(10_000 - at / 36).to_string()));
        bench.pass(1);
    }
    bench.see(&equity("20000"));
    bench.said(&[]);
    bench.see(&equity("19949.99"));
    for _ in 0..100 {
        bench.see(&equity("19900"));
    }
    bench.said(&["pnl-velocity account: warning"]);
    bench.see(&equity("19300"));
    bench.said(&["pnl-velocity account: critical"]);
    for _ in 0..250 {
        bench.see(&equity("19300"));
        bench.pass(1);
    }
    bench.said(&[]);
    bench.pass(100);
    bench.said(&["pnl-velocity account: over"]);
}

fn beat(of: Beat, text: &str) -> Observation {
    Observation::Beat { of, name: name(text) }
}

#[test]
fn things_that_have_fallen_silent() {
    let mut bench = Bench::new();
    bench.pass(1_000);
    for (of, text) in [(Beat::Venue, "binance"), (Beat::Plugin, "ema"), (Beat::Host, "engine")] {
        bench.see(&beat(of, text));
    }
    bench.pass(9);
    bench.said(&[]);
    bench.pass(100);
    bench.said(&[
        "heartbeat host engine: critical",
        "heartbeat venue binance: warning",
        "heartbeat plugin ema: warning",
        "heartbeat venue binance: critical",
    ]);
    bench.see(&beat(Beat::Venue, "binance"));
    bench.said(&[]);
    bench.pass(1);
    bench.see(&beat(Beat::Venue, "binance"));
    bench.see(&Observation::BeatEnded { of: Beat::Plugin, name: name("ema") });
    bench.said(&["heartbeat venue binance: over", "heartbeat plugin ema: over"]);
    for _ in 0..100 {
        bench.see(&beat(Beat::Host, "engine"));
        bench.see(&beat(Beat::Venue, "binance"));
        bench.pass(5);
    }
    bench.said(&["heartbeat host engine: over"]);
}

#[test]
fn what_is_on_or_off() {
    let text = Text::from("so");
    let (scope, plugin, account) = (name("ema"), name("ema"), name("main"));
    let state = |is_on: bool| {
        [
            Observation::Limit {
                scope: scope.clone(),
                limit: name("daily-loss"),
                is_breached: is_on,
                text: text.clone(),
            },
            Observation::Lock {
                scope: scope.clone(),
                lock: name("drawdown"),
                is_locked: is_on,
                text: text.clone(),
            },
            Observation::Quarantine {
                plugin: plugin.clone(),
                is_quarantined: is_on,
                text: text.clone(),
            },
            Observation::KillSwitch { is_on, by: name("ann") },
            Observation::ForeignOrders {
                account: account.clone(),
                count: u32::from(is_on) * 3,
                text: text.clone(),
            },
        ]
    };
    let mut bench = Bench::new();
    for seen in state(false) {
        bench.see(&seen);
    }
    bench.said(&[]);
    for _ in 0..100 {
        for seen in state(true) {
            bench.see(&seen);
        }
        bench.pass(1);
    }
    bench.said(&[
        "limit-breach ema daily-loss: warning",
        "lock ema drawdown: critical",
        "quarantine ema: critical",
        "kill-switch account: critical",
        "foreign-orders main: warning",
    ]);
    // A limit is forgotten, and nothing else is.
    bench.pass(1_000);
    bench.said(&["limit-breach ema daily-loss: over"]);
    for seen in state(false) {
        bench.see(&seen);
    }
    bench.said(&[
        "lock ema drawdown: over",
        "quarantine ema: over",
        "kill-switch account: over",
        "foreign-orders main: over",
    ]);
}

#[test]
fn what_the_engine_says() {
    let mut bench = Bench::new();
    let seen = Observation::Engine {
        code: name("order-vanished"),
        about: name("sp-1-2-3"),
        severity: Severity::Warning,
        text: Text::from("it counts as canceled"),
    };
    for _ in 0..100 {
        bench.see(&seen);
    }
    bench.said(&["engine order-vanished sp-1-2-3: warning"]);
    bench.pass(3_601);
    bench.said(&["engine order-vanished sp-1-2-3: over"]);
}

#[test]
fn old_keys() {
    let mut bench = Bench::new();
    for (days, class) in [
        (1, KeyClass::Fresh),
        (90, KeyClass::Old),
        (91, KeyClass::Old),
        (180, KeyClass::TooOld),
        (181, KeyClass::TooOld),
        (0, KeyClass::Fresh),
    ] {
        bench.see(&Observation::KeyAge { key: name("main live"), days, class });
    }
    bench.said(&[
        "key-age main live: warning",
        "key-age main live: critical",
        "key-age main live: over",
    ]);
}

#[test]
fn clocks_that_differ() {
    let mut bench = Bench::new();
    for offset_ms in [10, -249, 250, -300, 200, -1_000, i64::MIN, i64::MAX, 126, 125] {
        bench.see(&Observation::ClockOffset { venue: name("binance"), offset_ms });
    }
    bench.said(&[
        "clock-offset binance: warning",
        "clock-offset binance: critical",
        "clock-offset binance: over",
    ]);
}

#[test]
fn disks_that_fill_up() {
    let mut bench = Bench::new();
    let gib = 1u64 << 30;
    for free in [50, 10, 9, 8, 4, 0, 11, 12] {
        let seen = Observation::DiskSpace {
            folder: name("journal"),
            free_bytes: free * gib,
            total_bytes: 100 * gib,
        };
        bench.see(&seen);
        bench.see(&seen);
    }
    bench.said(&[
        "disk-space journal: warning",
        "disk-space journal: critical",
        "disk-space journal: over",
    ]);
    // A large share of a small disk is little all the same.
    let (free_bytes, total_bytes) = (gib / 4, gib);
    bench.see(&Observation::DiskSpace { folder: name("tape"), free_bytes, total_bytes });
    bench.said(&["disk-space tape: critical"]);
    bench.see(&Observation::DiskSpace {
        folder: name("odd"),
        free_bytes: u64::MAX,
        total_bytes: u64::MAX,
    });
    bench.said(&[]);
}

#[test]
fn books_that_differ() {
    let mut bench = Bench::new();
    let see = |bench: &mut Bench, differences: u32| {
        let text = Text::from("an order");
        bench.see(&Observation::Reconcile { account: name("main"), differences, text });
    };
    // Once is what was under way.
    for differences in [1, 0, 1, 0] {
        see(&mut bench, differences);
    }
    bench.said(&[]);
    for _ in 0..100 {
        see(&mut bench, 2);
    }
    bench.said(&["reconcile main: warning", "reconcile main: critical"]);
    see(&mut bench, 0);
    bench.said(&["reconcile main: over"]);
}

/// Every rule that observations lead to is switched off by its section.
#[test]
fn rules_can_be_switched_off() {
    let config = RulesConfig::default();
    let table = toml::Table::try_from(config).unwrap();
    let off: String = table.keys().map(|key| format!("[{key}]\nenabled = false\n")).collect();
    let mut bench = Bench::with(&off);
    for _ in 0..100 {
        bench.see(&fill("150", "1000000", Some("100")));
        bench.see(&order(OrderOutcome::Rejected));
        bench.see(&line(LineState::Down));
        bench.see(&Observation::Gap { line: name("trades"), missed: 2 });
        bench.see(&equity("10000"));
        bench.see(&equity("1"));
        bench.see(&beat(Beat::Host, "engine"));
        bench.see(&Observation::KillSwitch { is_on: true, by: name("ann") });
        let (free_bytes, total_bytes) = (0, 1);
        bench.see(&Observation::DiskSpace { folder: name("tape"), free_bytes, total_bytes });
        bench.see(&Observation::ClockOffset { venue: name("binance"), offset_ms: 5_000 });
        bench.pass(20);
    }
    bench.said(&[]);
    // One section for each rule, but for what the service says itself.
    assert_eq!(table.len() + 1, Rule::ALL.len());
}

proptest::proptest! {
    /// Hostile numbers and times end nothing, and no cause is told twice without an end between.
    #[test]
    fn nothing_panics_and_nothing_repeats(
        steps in proptest::collection::vec((0u8..9, proptest::num::i64::ANY, 0u8..=20, 0u64..5_000), 0..200),
    ) {
        let mut rules = Rules::new(&RulesConfig::default());
        let mut now = START;
        let mut on = std::collections::BTreeMap::new();
        for (kind, number, scale, seconds) in steps {
            now = now.plus(Nanos(seconds * Nanos::SECOND.0));
            let value = Decimal::new(number, scale);
            let seen = match kind {
                0 => Observation::Fill {
                    instrument: name("X"), plugin: name("p"), price: value,
                    quantity: Decimal::new(number ^ 77, scale), reference: Some(Decimal::new(100, 2)),
                },
                1 => Observation::Volume { instrument: name("X"), interval: Nanos::SECOND, volume: value },
                2 => order(if number % 2 == 0 { OrderOutcome::Accepted } else { OrderOutcome::Unknown }),
                3 => line(if number % 2 == 0 { LineState::Up } else { LineState::Down }),
                4 => Observation::Gap { line: name("l"), missed: number.unsigned_abs() },
                5 => Observation::Equity { scope: name("a"), equity: Money(i128::from(number) << (scale * 3)) },
                6 => beat(Beat::Host, "engine"),
                7 => Observation::ClockOffset { venue: name("v"), offset_ms: number },
                _ => Observation::DiskSpace {
                    folder: name("f"), free_bytes: number.unsigned_abs(), total_bytes: u64::MAX,
                },
            };
            let mut out = Vec::new();
            rules.observe(now, &seen, &mut out);
            rules.tick(now, &mut out);
            for signal in out {
                let key = (signal.rule, signal.subject);
                match signal.change {
                    Change::Raised { severity, .. } => {
                        let before = on.insert(key, severity);
                        proptest::prop_assert!(before.is_none_or(|before| before < severity));
                    }
                    Change::Cleared { .. } => proptest::prop_assert!(on.remove(&key).is_some()),
                }
            }
        }
    }
}
