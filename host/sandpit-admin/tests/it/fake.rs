//! A session written by hand: it moves, trades a little, and does what it is told. Used by the
//! tests and by `examples/demo.rs`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use sandpit_admin::*;
use serde_json::value::RawValue;

/// 2026-11-24T22:00:00Z.
const BEGIN_S: u64 = 1_795_557_600;

/// What the session is.
#[derive(Debug)]
pub struct World {
    pub tick: u64,
    pub cents: i64,
    pub peak: i64,
    pub trading: Trading,
    pub is_killed: bool,
    pub orders: Vec<OrderView>,
    pub positions: Vec<PositionView>,
    pub paused: bool,
    pub quarantined: bool,
    pub recent: RecentView,
    pub acknowledged: BTreeMap<u64, String>,
    /// What was asked and done, as a journal would have it.
    pub lines: Vec<String>,
    chance: u64,
}

impl Default for World {
    fn default() -> Self {
        let mut world = Self {
            tick: 0,
            cents: 2_500_000,
            peak: 2_500_000,
            trading: Trading::Active,
            is_killed: false,
            orders: Vec::new(),
            positions: Vec::new(),
            paused: false,
            quarantined: true,
            recent: RecentView::default(),
            acknowledged: BTreeMap::new(),
            lines: Vec::new(),
            chance: 7,
        };
        world.recent.alerts = vec![
            alert(
                41,
                5,
                "critical",
                "runaway is in quarantine: it trades no more until a person lets it go",
                Some("runaway"),
            ),
            alert(17, 2, "warning", "the book of ETHUSDT was lost: a gap in its sequence", None),
        ];
        for _ in 0..240 {
            world.step();
        }
        world
    }
}

fn alert(id: u64, minute: u64, severity: &str, message: &str, plugin: Option<&str>) -> AlertView {
    AlertView {
        id,
        time: time(minute * 60),
        severity: severity.to_owned(),
        message: message.to_owned(),
        plugin: plugin.map(str::to_owned),
        acknowledged_by: None,
    }
}

fn time(after_s: u64) -> String {
    let second = (BEGIN_S + after_s) % 86_400;
    let day = 24 + (BEGIN_S % 86_400 + after_s) / 86_400;
    format!("2026-11-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

impl World {
    fn random(&mut self, below: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % below
    }

    fn seq(&self) -> u64 {
        100 + self.tick
    }

    fn is_halted(&self) -> bool {
        self.is_killed || self.trading == Trading::Halted
    }

    /// One second passes.
    pub fn step(&mut self) {
        self.tick += 1;
        let move_by = i64::try_from(self.random(2_600)).unwrap() - 1_280;
        if !self.is_halted() {
            self.cents += move_by;
        }
        self.peak = self.peak.max(self.cents);
        self.recent.equity.push(EquityPoint {
            time: time(self.tick * 60),
            equity: money(self.cents),
            peak: money(self.peak),
        });
        if self.recent.equity.len() > RecentView::EQUITY_MAX {
            self.recent.equity.remove(0);
        }
        if !self.is_halted() {
            self.trade();
        }
    }

    fn trade(&mut self) {
        let (sell, btc) = (self.random(2) == 0, self.random(3) > 0);
        let (plugin, instrument) = if btc { ("ema", "BTCUSDT") } else { ("grid", "ETHUSDT") };
        let side = if sell { "sell" } else { "buy" };
        let price =
            if btc { 9_743_210 } else { 331_875 } + i64::try_from(self.random(9_000)).unwrap();
        let seq = self.seq();
        let chance = self.random(9);
        match chance {
            0 | 1 => self.recent.fills.insert(
                0,
                FillView {
                    seq,
                    time: time(self.tick * 60),
                    order: format!("sp-1a2b-{}-{seq:x}", u8::from(!btc)),
                    plugin: plugin.to_owned(),
                    instrument: instrument.to_owned(),
                    side: side.to_owned(),
                    price: money(price),
                    quantity: "0.015".to_owned(),
                    fee: "1.46".to_owned(),
                },
            ),
            2 => self.recent.denials.insert(
                0,
                DenialView {
                    seq,
                    time: time(self.tick * 60),
                    plugin: plugin.to_owned(),
                    instrument: Some(instrument.to_owned()),
                    code: "position-notional-above-max".to_owned(),
                    words: "the position would be above its largest notional".to_owned(),
                },
            ),
            _ => {}
        }
        self.recent.fills.truncate(RecentView::FILLS_MAX);
        self.recent.denials.truncate(RecentView::DENIALS_MAX);
        if self.random(4) == 0 || self.orders.len() < 3 {
            self.orders.push(OrderView {
                id: format!("sp-1a2b-{}-{seq:x}", u8::from(!btc)),
                plugin: plugin.to_owned(),
                instrument: instrument.to_owned(),
                side: side.to_owned(),
                kind: "limit".to_owned(),
                price: Some(money(price)),
                trigger: None,
                quantity: "0.030".to_owned(),
                filled: if chance.is_multiple_of(3) { "0.010" } else { "0.000" }.to_owned(),
                state: "accepted".to_owned(),
                reduce_only: false,
            });
        }
        if self.orders.len() > 6 {
            self.orders.remove(0);
        }
        let unrealized = i64::try_from(self.random(9_000)).unwrap() - 4_000;
        self.positions =
            [("ema", "BTCUSDT", "0.120", 9_701_500), ("grid", "ETHUSDT", "-1.450", 332_400)]
                .map(|(plugin, instrument, quantity, entry)| PositionView {
                    plugin: plugin.to_owned(),
                    instrument: instrument.to_owned(),
                    quantity: quantity.to_owned(),
                    average_price: Some(money(entry)),
                    mark: Some(money(entry + unrealized)),
                    value: money(entry / 8),
                    unrealized: money(unrealized),
                    realized: "84.20".to_owned(),
                    fees: "12.31".to_owned(),
                })
                .to_vec();
    }

    fn locks(&self) -> Vec<LockView> {
        let lock =
            LockView { reason: "kill-switch".to_owned(), state: "halted".to_owned(), until: None };
        if self.is_killed { vec![lock] } else { Vec::new() }
    }

    fn trading_state(&self) -> String {
        if self.is_killed { Trading::Halted } else { self.trading }.name().to_owned()
    }

    fn status(&self) -> StatusView {
        StatusView {
            mode: "paper".to_owned(),
            version: "0.1.0".to_owned(),
            process: 4_711,
            run: 27_412,
            now: time(self.tick * 60),
            trading_state: self.trading_state(),
            locks: self.locks(),
            plugins: 3,
            open_orders: self.orders.len() as u64,
            journal_rows: self.seq(),
            line: Some(LineView {
                live: true,
                orders: true,
                markets: true,
                waiting: None,
                counts: [
                    ("limit_used{kind=\"weight\",seconds=\"60\"}", 418 + self.tick % 40),
                    ("limit_most{kind=\"weight\",seconds=\"60\"}", 6_000),
                    ("limit_used{kind=\"orders\",seconds=\"10\"}", 12),
                    ("limit_most{kind=\"orders\",seconds=\"10\"}", 100),
                    ("requests_total{lane=\"orders\"}", 480 + self.tick),
                    ("requests_total{lane=\"kill\"}", 0),
                    ("requests_under_way", self.tick % 2),
                    ("requests_lost_total", 0),
                    ("limited_total", 1),
                    ("banned_total", 0),
                    ("circuit_rest", 0),
                    ("clock_offset_nanos", 3_412_000),
                ]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            }),
            limits: vec![LimitView {
                key: "plugins_max".to_owned(),
                max: 16,
                used: Some(3),
                ..LimitView::default()
            }],
            keys: vec![KeyView {
                source: "env:PAPER".to_owned(),
                role: "orders".to_owned(),
                fetched: time(0),
                age_days: Some(12),
                ..KeyView::default()
            }],
            ..StatusView::default()
        }
    }

    fn plugins(&self) -> Vec<PluginView> {
        let limit = |key: &str, max, used: Option<u64>, peak: Option<u64>, reached| LimitView {
            key: key.to_owned(),
            max,
            used,
            peak,
            reached,
        };
        let make = |name: &str, state, version: &str, shift: u64| PluginView {
            name: name.to_owned(),
            state,
            trading_state: self.trading_state(),
            locks: Vec::new(),
            component: Some("3f".repeat(32)),
            component_path: Some(format!("/srv/sandpit/{name}.wasm").into()),
            version: Some(version.to_owned()),
            previous_component: None,
            isolation: "process".to_owned(),
            process: Some(5_000),
            walls: vec![WallView { name: "seccomp".to_owned(), stands: true, reason: None }],
            limits: vec![
                limit("memory_bytes_max", 67_108_864, None, Some(9_800_000 << shift), 0),
                limit("fuel_per_call_max", 10_000_000, None, Some(412_000 << shift), 0),
                limit("call_deadline_ms", 50, None, Some(3 << shift), 0),
                limit("intents_per_second_max", 20, None, Some(4), shift),
            ],
            faults: FaultsView::default(),
            restarts: 0,
            swaps: 1,
            queue: QueueView { waiting: self.tick % 3, lag_ms: 1, conflated: 812 },
            latency: LatencyView {
                samples: 9_000 + self.tick,
                median_ns: 21_400,
                p99_ns: 143_000 + 1_000 * (self.tick % 17),
                max_ns: 3_120_000,
            },
            memory_bytes: Some(9_800_000 << shift),
            cpu_share_bp: Some(120),
            calls: 120_000 + 12 * self.tick,
            intents: 480 + self.tick,
            log_lines_dropped: 0,
            parameters: vec![("fast".to_owned(), "12".to_owned())],
        };
        let ema = if self.paused { PluginState::Paused } else { PluginState::Running };
        let mut runaway = make("runaway", PluginState::Unloaded, "0.1.0", 2);
        if self.quarantined {
            runaway.state = PluginState::Quarantined { since: time(300) };
            let last = FaultView {
                code: "fuel-exhausted".to_owned(),
                at: time(300),
                detail: "the call used 10000000 units of fuel".to_owned(),
                ..FaultView::default()
            };
            runaway.faults = FaultsView {
                total: 5,
                in_window: 5,
                in_window_max: 5,
                by_code: Vec::new(),
                last: Some(last),
            };
            runaway.limits[1].peak = Some(10_000_000);
            runaway.limits[1].reached = 5;
        }
        vec![make("ema", ema, "1.4.2", 0), make("grid", PluginState::Running, "0.9.0", 1), runaway]
    }

    fn pnl(&self) -> PnlView {
        let scope = |plugin: Option<&str>, part: i64| ScopePnlView {
            plugin: plugin.map(str::to_owned),
            equity: money(self.cents / part),
            balance: money(2_500_000 / part),
            realized: money(16_840 / part),
            unrealized: money((self.cents - 2_500_000) / part),
            fees: money(2_462 / part),
            funding: "0.00".to_owned(),
            today: Some(money((self.cents - 2_500_000) / part)),
            today_loss_max: Some(money(75_000 / part)),
            drawdown: Some(money((self.peak - self.cents) / part)),
            drawdown_max: Some(money(250_000 / part)),
        };
        PnlView {
            currency: "USDT".to_owned(),
            account: scope(None, 1),
            plugins: vec![scope(Some("ema"), 2), scope(Some("grid"), 4), scope(Some("runaway"), 4)],
        }
    }

    fn risk(&self) -> RiskView {
        let scope = |plugin: Option<&str>| ScopeRiskView {
            plugin: plugin.map(str::to_owned),
            trading_state: self.trading_state(),
            locks: self.locks(),
        };
        RiskView {
            account: scope(None),
            plugins: ["ema", "grid", "runaway"].map(|name| scope(Some(name))).to_vec(),
            orders_in_doubt: 0,
        }
    }

    fn overview(&self) -> OverviewView {
        OverviewView {
            session: self.status(),
            plugins: self.plugins(),
            orders: self.orders.clone(),
            positions: self.positions.clone(),
            pnl: self.pnl(),
            risk: self.risk(),
        }
    }

    fn answer(&mut self, who: &str, command: &Command) -> Result<Answer, Refusal> {
        if let Some(name) = command.plugin()
            && !["ema", "grid", "runaway"].contains(&name)
        {
            return Err(Refusal::new(RefusalCode::UnknownPlugin, "no plugin is called so"));
        }
        if !command.only_asks() {
            self.lines.push(format!("{who}: {}", command.line()));
        }
        let plugin = |world: &Self, name: &str| {
            world.plugins().into_iter().find(|plugin| plugin.name == name).unwrap_or_default()
        };
        let not_now = || Err(Refusal::new(RefusalCode::NotNow, "it is not so").help("look first"));
        Ok(match command {
            Command::Status => Answer::Status(Box::new(self.status())),
            Command::Overview => Answer::Overview(Box::new(self.overview())),
            Command::List => {
                Answer::List(Box::new(ListView { session: self.status(), plugins: self.plugins() }))
            }
            Command::Show(name) => Answer::Plugin(Box::new(plugin(self, name))),
            Command::Orders(_) => Answer::Orders(self.orders.clone()),
            Command::Positions(_) => Answer::Positions(self.positions.clone()),
            Command::Pnl => Answer::Pnl(Box::new(self.pnl())),
            Command::Risk => Answer::Risk(Box::new(self.risk())),
            Command::Kill { .. } => {
                self.is_killed = true;
                self.orders.clear();
                Answer::done("trading is halted: every open order is being canceled")
            }
            Command::Unlock { reason, .. } if self.is_killed && reason == "kill-switch" => {
                self.is_killed = false;
                Answer::done("the lock has ended")
            }
            Command::Trading { state, .. } => {
                self.trading = *state;
                Answer::done(format!("the account is set to {}", state.name()))
            }
            Command::CancelAll(_) => {
                self.orders.clear();
                Answer::done("the open orders are being canceled")
            }
            Command::Flatten(_) => {
                self.positions.clear();
                Answer::done("the positions are being closed")
            }
            Command::RotateKeys => Answer::done("the keys are the newest"),
            Command::Acknowledge(id) => {
                self.acknowledged.insert(*id, who.to_owned());
                Answer::done(format!("alert {id} is acknowledged"))
            }
            Command::Pause(name) | Command::Resume(name) => {
                self.paused = matches!(command, Command::Pause(_));
                Answer::done_with("it is so", plugin(self, name))
            }
            Command::Release(name) if name == "runaway" && self.quarantined => {
                self.quarantined = false;
                Answer::done_with("it is free", plugin(self, name))
            }
            Command::Set { plugin: name, .. } | Command::Swap { plugin: name, .. } => {
                Answer::done_with("it is so", plugin(self, name))
            }
            Command::Load { .. } | Command::Unload { .. } | Command::Rollback(_) => {
                return not_now();
            }
            _ => return not_now(),
        })
    }
}

/// The journal of it.
struct FakeRecords(Arc<Mutex<World>>);

impl Records for FakeRecords {
    fn page(&mut self, query: &JournalQuery) -> Result<JournalPage, Refusal> {
        let head = self.0.lock().unwrap().seq();
        let row = |seq| JournalRow {
            seq,
            step: seq,
            time: time(seq),
            kind: "filled".to_owned(),
            plugin: Some("ema".to_owned()),
            instrument: Some("BTCUSDT".to_owned()),
            order: None,
            body: RawValue::from_string(format!("{{\"v\":1,\"price\":97432.{seq}}}")).unwrap(),
            hash: "ab".repeat(32),
        };
        let limit = u64::from(query.limit);
        let seqs: Vec<u64> = match (query.after, query.before) {
            (Some(after), _) => {
                (after.saturating_add(1)..=head).take(query.limit as usize).collect()
            }
            (None, before) => {
                let last = before.map_or(head, |before| before.saturating_sub(1)).min(head);
                (1..=last).rev().take(query.limit as usize).collect()
            }
        };
        let next = seqs.last().copied().filter(|_| seqs.len() as u64 == limit);
        Ok(JournalPage { rows: seqs.into_iter().map(row).collect(), next })
    }

    fn recent(&mut self) -> Result<RecentView, Refusal> {
        let world = self.0.lock().unwrap();
        let mut recent = world.recent.clone();
        for alert in &mut recent.alerts {
            alert.acknowledged_by = world.acknowledged.get(&alert.id).cloned();
        }
        Ok(recent)
    }
}

/// A session that runs until it is dropped.
pub struct FakeSession {
    pub world: Arc<Mutex<World>>,
    pub queue: Queue,
    /// While it is set, nothing is taken from the queue.
    pub stuck: Arc<AtomicBool>,
    pub accesses: Arc<Mutex<Vec<Access>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeSession {
    /// Begins one that moves once every so often.
    pub fn begin(every: Duration) -> Self {
        let queue = Queue::new().unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let (stop, stuck) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let accesses = Arc::new(Mutex::new(Vec::new()));
        let thread = {
            let (queue, world, stop) = (queue.clone(), Arc::clone(&world), Arc::clone(&stop));
            let (stuck, accesses) = (Arc::clone(&stuck), Arc::clone(&accesses));
            thread::spawn(move || {
                let mut moved = std::time::Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    wait(&queue);
                    if stuck.load(Ordering::Relaxed) {
                        thread::yield_now();
                        continue;
                    }
                    while let Some(asked) = queue.take() {
                        let answer = world.lock().unwrap().answer(&asked.who, &asked.command);
                        asked.answer(answer);
                    }
                    accesses.lock().unwrap().extend(std::iter::from_fn(|| queue.take_access()));
                    if moved.elapsed() >= every {
                        moved = std::time::Instant::now();
                        world.lock().unwrap().step();
                    }
                }
            })
        };
        Self { world, queue, stuck, accesses, stop, thread: Some(thread) }
    }

    /// Its journal.
    pub fn records(&self) -> Box<dyn Records> {
        Box::new(FakeRecords(Arc::clone(&self.world)))
    }
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Comes back once something waits, or after a while.
fn wait(queue: &Queue) {
    let wake = queue.wake_fd();
    let mut wanted = [rustix::event::PollFd::new(&wake, rustix::event::PollFlags::IN)];
    let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let _ = rustix::event::poll(&mut wanted, Some(&wait));
}
