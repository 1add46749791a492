//! A made-up run: an account that is marked and filled as the engine does it, and a recorder that
//! is told. It also writes down everything, so that a test can reckon again.

use std::path::Path;

use sandpit_core::{
    account::Account,
    engine::Alert,
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TradeId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::{MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Fill, Order, OrderKind, OrderState},
    plugin::{CallCost, Fault, FaultCode, TradingState},
    risk::Denial,
    simulation::Observer,
    time::UnixNanos,
};

use crate::report::*;

/// 2018-01-01T00:00:00Z.
pub(super) const START: u64 = 1_514_764_800_000_000_000;

/// A small generator of numbers: Steele and others' SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

pub(super) fn instrument(symbol: &str) -> Instrument {
    let text = |t: &str| t.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "made-up".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USD".to_owned(),
        price_tick: text("0.5"),
        quantity_step: text("0.01"),
        min_quantity: text("0.01"),
        max_quantity: text("1000000"),
        min_notional: Decimal::ZERO,
        multiplier: text("1"),
        maker_fee: Rate::from_decimal(text("0.0002")).unwrap(),
        taker_fee: Rate::from_decimal(text("0.0005")).unwrap(),
    })
    .unwrap()
}

/// A fill as a test remembers it.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) plugin: usize,
    pub(super) instrument: usize,
    pub(super) signed: i64,
    pub(super) price: i64,
    pub(super) fee: Money,
    pub(super) maker: bool,
}

/// What happened, in order.
pub(super) enum Step {
    Fill(Told),
    /// An event: time, instrument, price; everything is marked after it.
    Event(u64, usize, i64),
}

pub(super) struct Play {
    pub(super) recorder: Recorder,
    pub(super) account: Account,
    pub(super) instruments: Vec<Instrument>,
    pub(super) steps: Vec<Step>,
    /// Whether to write down the steps.
    pub(super) remember: bool,
    prices: Vec<i64>,
    time: u64,
    sequence: u64,
}

impl Play {
    pub(super) fn new(symbols: &[&str], plugins: &[&str], folder: Option<&Path>) -> Self {
        let budget = Money(100_000 * 10i128.pow(18));
        let instruments = symbols.iter().map(|s| instrument(s)).collect::<Vec<_>>();
        let setup = Setup {
            instruments: instruments.clone(),
            plugins: plugins
                .iter()
                .map(|name| PluginSetup {
                    name: (*name).to_owned(),
                    version: "1.2.3".to_owned(),
                    component_sha256: Some("ab".repeat(32)),
                    budget,
                })
                .collect(),
        };
        Self {
            recorder: Recorder::new(setup, folder).unwrap(),
            account: Account::new(&vec![budget; plugins.len()], symbols.len()),
            prices: vec![0; symbols.len()],
            instruments,
            steps: Vec::new(),
            remember: true,
            time: START,
            sequence: 0,
        }
    }

    fn id(index: usize) -> u16 {
        u16::try_from(index).unwrap()
    }

    fn mark(&mut self, instrument: usize) {
        let id = InstrumentId(Self::id(instrument));
        for plugin in 0..self.account.sub_accounts().len() {
            let plugin = PluginId(Self::id(plugin));
            let held = self.account.sub_account(plugin).position(id).quantity;
            let price = Price(self.prices[instrument]);
            let value = self.instruments[instrument].notional(price, held).unwrap();
            self.account.mark(plugin, id, value);
        }
    }

    /// A trade at `time`, with orders that it sets off and that fill at its price.
    pub(super) fn event(
        &mut self,
        time: u64,
        instrument: usize,
        price: i64,
        orders: &[(usize, i64, bool)],
    ) {
        self.time = time;
        self.prices[instrument] = price;
        self.mark(instrument);
        for plugin in 0..self.account.sub_accounts().len() {
            self.recorder.called(PluginId(Self::id(plugin)), CallCost { fuel: 900 + time % 200 });
        }
        for (plugin, signed, maker) in orders {
            self.order(*plugin, instrument, *signed, *maker);
        }
        let event = MarketEvent {
            instrument: InstrumentId(Self::id(instrument)),
            time: UnixNanos(time),
            venue_time: UnixNanos(time),
            data: MarketData::Trade(Trade {
                price: Price(price),
                quantity: Quantity(100),
                aggressor: None,
                id: 0,
            }),
        };
        self.recorder.market(&event, &self.account);
        if self.remember {
            self.steps.push(Step::Event(time, instrument, price));
        }
    }

    fn order(&mut self, plugin: usize, instrument: usize, signed: i64, maker: bool) {
        self.sequence += 1;
        let (owner, id) = (PluginId(Self::id(plugin)), InstrumentId(Self::id(instrument)));
        let price = Price(self.prices[instrument]);
        let side = if signed > 0 { Side::Buy } else { Side::Sell };
        let quantity = Quantity(signed.abs());
        let order = Order {
            id: ClientOrderId { sequence: self.sequence, plugin: owner, run: RunId(1) },
            tag: OrderTag(self.sequence),
            instrument: id,
            side,
            quantity,
            kind: if maker { OrderKind::Limit(price) } else { OrderKind::Market },
            time_in_force: TimeInForce::Gtc,
            post_only: maker,
            reduce_only: false,
        };
        let time = UnixNanos(self.time);
        let rules = &self.instruments[instrument];
        let notional = rules.notional(price, quantity).unwrap();
        let fee = rules.fee(notional, maker);
        let fill = Fill { trade_id: TradeId(self.sequence), price, quantity, fee, maker };
        self.recorder.submitted(&order, time);
        let money = if signed > 0 { notional } else { -notional };
        self.account.fill(owner, id, Quantity(signed), money, fee);
        self.mark(instrument);
        self.recorder.filled(&order, &fill, time, &self.account);
        self.recorder.closed(&order, OrderState::Filled, quantity, time);
        if self.remember {
            self.steps.push(Step::Fill(Told {
                plugin,
                instrument,
                signed,
                price: price.0,
                fee,
                maker,
            }));
        }
    }

    pub(super) fn misbehave(&mut self, plugin: usize, detail: &str) {
        let (id, time) = (PluginId(Self::id(plugin)), UnixNanos(self.time));
        for _ in 0..3 {
            self.recorder.denied(id, None, &Denial::DuplicateTag, time);
        }
        self.recorder.denied(id, None, &Denial::ShortNotAllowed, time);
        let fault = Fault { code: FaultCode::Trap, detail: detail.to_owned() };
        self.recorder.faulted(id, &fault, time);
        self.recorder.trading_state(id, TradingState::Halted, time);
        self.recorder.alert(&Alert::NumberOverflow(InstrumentId(0)), time);
    }

    pub(super) fn finish(self) -> Report {
        self.recorder.finish(&self.account, closing()).unwrap()
    }
}

pub(super) fn closing() -> Closing {
    Closing {
        run: RunSection {
            engine_version: "0.1.0".to_owned(),
            config_sha256: "cd".repeat(32),
            tapes: vec![NamedHash { name: "made-up.tape".to_owned(), sha256: "ef".repeat(32) }],
            seed: 7,
            currency: "USD".to_owned(),
            latency_ns: 250_000,
            synthetic: true,
            ending: Ending::Completed,
        },
        memory_peak_bytes: vec![Some(1_114_112); 2],
        machine: Some(MachineSection {
            wall_seconds: Stat::new(Some(0.81)),
            events_per_second: Stat::new(Some(1_734_512.3)),
            memory_peak_bytes: Some(41 << 20),
            plugins: vec![
                CallLatency {
                    timed_calls: 1_000,
                    p50_ns: 101,
                    p99_ns: 214,
                    max_ns: 48_210
                };
                2
            ],
        }),
        warnings: Vec::new(),
    }
}

/// A random walk over `hours`, `per_hour` events each, traded by two plugins now and then.
pub(super) fn walk(play: &mut Play, seed: u64, hours: u64, per_hour: u64) {
    let mut random = Random(seed);
    let instruments = play.instruments.len();
    let plugins = play.account.sub_accounts().len();
    let mut prices = vec![20_000i64; instruments];
    let mut held = vec![vec![0i64; instruments]; plugins];
    for step in 0..hours * per_hour {
        let time = START + step * (3_600_000_000_000 / per_hour) + random.below(1_000_000);
        let at = usize::try_from(random.below(instruments as u64)).unwrap();
        let drift = i64::try_from(random.below(41)).unwrap() - 20;
        prices[at] = (prices[at] + drift * 5).max(1_000) / 5 * 5;
        let mut orders = Vec::new();
        if random.below(12) == 0 {
            let plugin = usize::try_from(random.below(plugins as u64)).unwrap();
            let size = 1 + i64::try_from(random.below(300)).unwrap();
            // Often to flat, sometimes on top, sometimes through zero.
            let open = held[plugin][at];
            let signed = match random.below(4) {
                0 if open != 0 => -open,
                1 => -open.signum() * (open.abs() + size),
                _ if random.below(2) == 0 => size,
                _ => -size,
            };
            if signed != 0 {
                held[plugin][at] += signed;
                orders.push((plugin, signed, random.below(3) == 0));
            }
        }
        play.event(time, at, prices[at], &orders);
    }
}
