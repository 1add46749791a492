//! Guests written by hand, in the text form of WebAssembly: every export is there and does nothing
//! until a test gives it a body. They make no allocation that is ever freed, so sessions are short.

use std::{collections::BTreeMap, fmt::Write as _};

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::{BudgetView, PluginEvent, TradingState},
    time::UnixNanos,
};
use sandpit_plugin::{
    Checked, Engine, EngineSettings, Fault, Instance, Limits, LogSink, Mode, NoLog, Session, check,
    encode,
};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup};

const CONTRACT: &str = include_str!("../../../../wit/strategy.wit");
const HANDLERS: &str = "sandpit:strategy/handlers@0.1.0";

/// Core signature and idle body of each export.
const EXPORTS: [(&str, &str, &str); 13] = [
    ("describe", "(result i32)", "i32.const 64"),
    ("start", "(param i32) (result i32)", "i32.const 16"),
    ("on-trade", "(param i32 i64 i64 i32 i64 i32 i32 i32) (result i32)", "i32.const 0"),
    ("on-quote", "(param i32 i64 i64 i32 i64 i32 i64 i32 i64 i32 i32) (result i32)", "i32.const 0"),
    (
        "on-bar",
        "(param i32 i64 i64 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i32) (result i32)",
        "i32.const 0",
    ),
    (
        "on-depth",
        "(param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)",
        "i32.const 0",
    ),
    ("on-order", "(param i32) (result i32)", "i32.const 0"),
    ("on-position", "(param i32 i64 i64 i32 i64 i32 i64 i32) (result i32)", "i32.const 0"),
    ("on-budget", "(param i64 i64 i32 i64 i32 i64 i32) (result i32)", "i32.const 0"),
    ("on-timer", "(param i32 i64) (result i32)", "i32.const 0"),
    ("on-trading-state", "(param i32 i64) (result i32)", "i32.const 0"),
    ("on-parameters", "(param i32 i32) (result i32)", "i32.const 16"),
    ("take-intents", "(result i32)", "i32.const 128"),
];

/// Where a test may put a list of intents; `take-intents` hands over the list whose pointer and
/// length stand at 128.
pub(crate) const INTENTS_AT: u32 = 8_192;
/// Bytes of an intent in memory; a zeroed one is a market order to buy nothing.
pub(crate) const INTENT_BYTES: u32 = 152;

/// A guest in the making.
#[derive(Clone)]
pub(crate) struct Guest {
    name: String,
    pages: u32,
    bodies: BTreeMap<&'static str, String>,
    stop: String,
    save: String,
    extra: String,
}

impl Guest {
    /// Answers everything with nothing.
    pub(crate) fn idle() -> Self {
        Self {
            name: "test-guest".to_owned(),
            pages: 1,
            bodies: EXPORTS.iter().map(|(name, _, body)| (*name, (*body).to_owned())).collect(),
            stop: String::new(),
            save: "i32.const 136".to_owned(),
            extra: String::new(),
        }
    }

    /// The name in its description.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Its memory at the start, in pages of 64 KiB.
    pub(crate) const fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Body of one export.
    pub(crate) fn body(mut self, export: &'static str, body: &str) -> Self {
        match export {
            "stop" => self.stop = body.to_owned(),
            "save" => self.save = body.to_owned(),
            _ => *self.bodies.get_mut(export).unwrap() = body.to_owned(),
        }
        self
    }

    /// Further fields of the module.
    pub(crate) fn extra(mut self, fields: &str) -> Self {
        self.extra.push_str(fields);
        self
    }

    /// Asks for `count` intents in every trade, each a zeroed one.
    pub(crate) fn intents(self, count: u32) -> Self {
        self.body("on-trade", "i32.const 1").body(
            "take-intents",
            &format!(
                "(i32.store (i32.const 128) (i32.const {INTENTS_AT}))
                 (i32.store (i32.const 132) (i32.const {count}))
                 i32.const 128"
            ),
        )
    }

    /// Writes one byte of the first intent before it is handed over.
    pub(crate) fn intent_byte(self, offset: u32, value: u8) -> Self {
        let at = INTENTS_AT + offset;
        self.body(
            "on-trade",
            &format!("(i32.store8 (i32.const {at}) (i32.const {value})) i32.const 1"),
        )
    }

    /// Its text.
    pub(crate) fn wat(&self) -> String {
        let mut functions = String::new();
        for (name, signature, _) in EXPORTS {
            let body = &self.bodies[name];
            writeln!(
                functions,
                "(func ${name} (export \"{HANDLERS}#{name}\") {signature} (local $i i32) {body})"
            )
            .unwrap();
        }
        let version = "1.2.3";
        let words =
            [1_024, length(&self.name), 1_200, length(version), 0, 0, 0, 0, 256, 1, 0, 0, 7u32];
        let record: String = words.iter().flat_map(|word| word.to_le_bytes()).fold(
            String::new(),
            |mut text, byte| {
                write!(text, "\\{byte:02x}").unwrap();
                text
            },
        );
        format!(
            "(module
               (import \"sandpit:strategy/logging@0.1.0\" \"log\" (func $log (param i32 i32 i32)))
               (memory (export \"memory\") {pages})
               (global $heap (mut i32) (i32.const 20480))
               (data (i32.const 64) \"{record}\")
               (data (i32.const 1024) \"{name}\")
               (data (i32.const 1200) \"{version}\")
               (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (local $at i32)
                 (local.set $at
                   (i32.and
                     (i32.sub (i32.add (global.get $heap) (local.get 2)) (i32.const 1))
                     (i32.sub (i32.const 0) (local.get 2))))
                 (global.set $heap (i32.add (local.get $at) (local.get 3)))
                 (local.get $at))
               (func $save (export \"{HANDLERS}#save\") (result i32) {save})
               (func $stop (export \"{HANDLERS}#stop\") (param i32) {stop})
               {functions}
               {extra})",
            pages = self.pages,
            name = self.name,
            save = self.save,
            stop = self.stop,
            extra = self.extra,
        )
    }

    /// Its core module, with the contract's types embedded.
    pub(crate) fn module(&self) -> Vec<u8> {
        embed(&self.wat(), CONTRACT, "strategy")
    }

    /// Its component.
    pub(crate) fn component(&self) -> Vec<u8> {
        encode(&self.module()).unwrap()
    }

    /// Checked.
    pub(crate) fn checked(&self) -> Checked {
        check(&self.component()).unwrap()
    }

    /// Loaded with these limits.
    pub(crate) fn load(&self, limits: &Limits) -> Result<Instance, Fault> {
        self.load_with(limits, Box::new(NoLog))
    }

    /// Loaded with these limits and this log.
    pub(crate) fn load_with(
        &self,
        limits: &Limits,
        sink: Box<dyn LogSink>,
    ) -> Result<Instance, Fault> {
        let artifact = engine().compile(&self.checked()).unwrap();
        Instance::load(&artifact, "tested", limits, sink)
    }

    /// Loaded and started.
    pub(crate) fn started(&self, limits: &Limits) -> Instance {
        start(self.load(limits).unwrap())
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap()
}

/// An engine with no extras.
pub(crate) fn engine() -> Engine {
    Engine::new(EngineSettings::default()).unwrap()
}

/// A core module of `wat` that claims to be of `world` in `contract`.
pub(crate) fn embed(wat: &str, contract: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"));
    let mut resolve = Resolve::default();
    let group =
        UnresolvedPackageGroup::parse("test.wit", contract).map_err(|(_, error)| error).unwrap();
    let package = resolve.push_group(group).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// One instrument, tick 0.5, whole contracts.
pub(crate) fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "XBTUSD".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "XBT".to_owned(),
        quote: "USD".to_owned(),
        price_tick: Decimal::new(5, 1),
        quantity_step: Decimal::new(1, 0),
        min_quantity: Decimal::new(1, 0),
        max_quantity: Decimal::new(1_000_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(500_000_000),
    })
    .unwrap()
}

/// A flat session over one instrument.
pub(crate) fn session(instrument: &Instrument) -> Session<'_> {
    Session {
        mode: Mode::Backtest,
        time: UnixNanos(1_000),
        seed: 7,
        instruments: vec![(InstrumentId(0), instrument)],
        arguments: Vec::new(),
        positions: Vec::new(),
        orders: Vec::new(),
        currency: "USD".to_owned(),
        budget: BudgetView {
            time: UnixNanos(1_000),
            balance: Money(0),
            equity: Money(0),
            fees: Money(0),
        },
        trading_state: TradingState::Active,
        restored: None,
    }
}

/// Starts a session that asks for nothing.
pub(crate) fn start(mut instance: Instance) -> Instance {
    let instrument = instrument();
    let mut intents = Vec::new();
    instance.start(&session(&instrument), &mut intents).unwrap();
    assert!(intents.is_empty());
    instance
}

/// A trade at `price` × 0.1.
pub(crate) fn trade(time: u64, price: i64) -> PluginEvent {
    PluginEvent::Market {
        event: MarketEvent {
            instrument: InstrumentId(0),
            time: UnixNanos(time),
            venue_time: UnixNanos(time),
            data: MarketData::Trade(Trade {
                price: Price(price),
                quantity: Quantity(3),
                aggressor: Some(Side::Sell),
                id: 1,
            }),
        },
        history: false,
    }
}
