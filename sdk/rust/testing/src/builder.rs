//! What a session is made of before it begins.

use std::{marker::PhantomData, time::Duration};

use sandpit_core::{
    engine::{EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, RunId},
    instrument::{Instrument, InstrumentSpec},
    market::DataKind,
    matching::FillModel,
    num::{self, Money, Rate},
    plugin::Subscriptions,
    risk::{Limits, OffTick},
    simulation::{Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};
use sandpit_sdk::{Mode, SavedState, Strategy, Timestamp, log, runtime::Instance, wire};

use crate::{
    Harness, NativePlugin, Number, SessionStart, arguments,
    harness::PLUGIN,
    instruments,
    number::{core_decimal, money, nanos},
    recorder::Recorder,
};

/// When a session begins: 2024-01-01T00:00:00Z.
const BEGIN_SECONDS: u64 = 1_704_067_200;

impl Harness {
    /// Tests the strategy `S`, which [`Builder::start`] begins.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "it begins with what the session is made of")]
    pub fn new<S: Strategy>() -> Builder<S> {
        Builder {
            instruments: Vec::new(),
            fees: None,
            budget: Money::from_scaled(1_000_000, 0).unwrap_or_default(),
            overrides: Vec::new(),
            limits: Limits::unlimited(),
            order_latency: Nanos(0),
            report_latency: Nanos(0),
            fill_model: FillModel::default(),
            seed: 0,
            restored: None,
            strategy: PhantomData,
        }
    }
}

/// How a strategy is to be tested. Begun by [`Harness::new`].
#[derive(Debug)]
pub struct Builder<S> {
    instruments: Vec<InstrumentSpec>,
    fees: Option<(Rate, Rate)>,
    budget: Money,
    overrides: Vec<(String, String)>,
    limits: Limits,
    order_latency: Nanos,
    report_latency: Nanos,
    fill_model: FillModel,
    seed: u64,
    restored: Option<SavedState>,
    strategy: PhantomData<S>,
}

impl<S: Strategy> Builder<S> {
    /// One more instrument. Without any there is one plain one, `TEST`.
    #[must_use]
    pub fn instrument(mut self, spec: InstrumentSpec) -> Self {
        self.instruments.push(spec);
        self
    }

    /// Fee rates of all instruments.
    ///
    /// # Panics
    /// A rate is out of bounds.
    #[must_use]
    pub fn fees(mut self, maker: impl Number, taker: impl Number) -> Self {
        let rate = |number: num::Decimal| match Rate::from_decimal(number) {
            Some(rate) => rate,
            None => panic!("{number} is no fee rate"),
        };
        self.fees = Some((rate(core_decimal(maker)), rate(core_decimal(taker))));
        self
    }

    /// What the strategy is given; 1,000,000 unless said.
    ///
    /// # Panics
    /// It is no amount.
    #[must_use]
    pub fn budget(mut self, budget: impl Number) -> Self {
        self.budget = money(budget);
        self
    }

    /// A parameter, as an operator would write it; the default unless said.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.overrides.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits of the strategy; none but on the number of open orders unless said.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The largest notional of one order.
    ///
    /// # Panics
    /// It is no amount.
    #[must_use]
    pub fn order_notional_max(mut self, notional: impl Number) -> Self {
        self.limits.order_notional_max = Some(money(notional));
        self
    }

    /// From the strategy's decision to the venue, and from there back; none unless said.
    #[must_use]
    pub fn latency(mut self, order: Duration, report: Duration) -> Self {
        (self.order_latency, self.report_latency) = (nanos(order), nanos(report));
        self
    }

    /// How the venue fills; the core's default unless said.
    #[must_use]
    pub fn fill_model(mut self, fill_model: FillModel) -> Self {
        self.fill_model = fill_model;
        self
    }

    /// Seed of the session.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What an earlier instance saved.
    #[must_use]
    pub fn restored(mut self, state: SavedState) -> Self {
        self.restored = Some(state);
        self
    }

    /// Begins the session.
    ///
    /// # Panics
    /// An instrument's rules do not hold, a parameter is wrong, or the strategy refuses.
    #[must_use]
    pub fn start(self) -> Harness<S> {
        match self.try_start() {
            Ok(harness) => harness,
            Err(reason) => panic!("the session did not begin: {reason}"),
        }
    }

    /// Begins the session.
    ///
    /// # Errors
    /// An instrument's rules do not hold, a parameter is wrong, or the strategy refuses.
    pub fn try_start(mut self) -> Result<Harness<S>, String> {
        // Lines of an earlier session on this thread are none of ours.
        let _ = log::take();
        let description = Instance::<S>::describe();
        let arguments = arguments(&description, &self.overrides)?;
        let instruments = self.take_instruments()?;
        let now = UnixNanos(BEGIN_SECONDS * 1_000_000_000);
        let mut sim = Simulation::new(SimulationConfig {
            engine: EngineConfig {
                run: RunId(1),
                plugins: vec![PluginConfig {
                    budget: self.budget,
                    instruments: (0u16..)
                        .zip(&instruments)
                        .map(|(id, _)| InstrumentId(id))
                        .collect(),
                    subscriptions: subscriptions(&description),
                    limits: self.limits,
                }],
                instruments: instruments.clone(),
                account_limits: Limits::unlimited(),
                off_tick: OffTick::Deny,
                risk: sandpit_core::risk::RiskRules::default(),
                venue: VenueCapabilities::ALL,
                recovery: None,
            },
            fill_model: self.fill_model,
            order_latency: self.order_latency,
            report_latency: self.report_latency,
        });
        let start = SessionStart {
            mode: Mode::Backtest,
            seed: self.seed,
            time: Timestamp(now.0),
            arguments,
            restored: self.restored,
        };
        let mut plugin = NativePlugin::start(sim.engine(), PLUGIN, start)?;
        let mut recorder = Recorder::new(instruments.clone());
        sim.advance(now, &mut plugin, &mut recorder);
        let mut harness = Harness {
            sim,
            plugin,
            recorder,
            description,
            overrides: self.overrides,
            instruments,
            selected: InstrumentId(0),
            now,
            logs: Vec::new(),
        };
        harness.take_asked();
        Ok(harness)
    }

    fn take_instruments(&mut self) -> Result<Vec<Instrument>, String> {
        if self.instruments.is_empty() {
            self.instruments.push(instruments::plain("TEST"));
        }
        let fees = self.fees;
        self.instruments
            .drain(..)
            .map(|mut spec| {
                if let Some((maker, taker)) = fees {
                    (spec.maker_fee, spec.taker_fee) = (maker, taker);
                }
                Instrument::new(spec).map_err(|error| error.to_string())
            })
            .collect()
    }
}

fn subscriptions(description: &wire::Description) -> Subscriptions {
    let kind = |kind: &wire::DataKind| match kind {
        wire::DataKind::Trades => DataKind::Trades,
        wire::DataKind::Quotes => DataKind::Quotes,
        wire::DataKind::Bars(interval) => DataKind::Bars(Nanos(*interval)),
        wire::DataKind::Depth(levels) => DataKind::Depth(*levels),
    };
    Subscriptions { kinds: description.subscriptions.iter().map(kind).collect() }
}
