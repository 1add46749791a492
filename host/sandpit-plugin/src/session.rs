//! What a session begins with, in the core's terms, and how it is said in the contract's.

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind},
    plugin::{BudgetView, OpenOrderView, PositionView, TradingState},
    time::UnixNanos,
};

use crate::{
    bindings::sandpit::strategy::types as wire,
    convert::{Grids, UnknownInstrument, budget, decimal, open_order, position, trading_state},
    describe::Argument,
};

/// What a session trades with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Recorded data, simulated venue.
    Backtest,
    /// Live data, simulated venue.
    Paper,
    /// A venue's testnet.
    Testnet,
    /// Money.
    Live,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The data or the session ended.
    Finished,
    /// The operator stopped it.
    Operator,
    /// A newer version takes over; the state has been saved.
    Swapped,
}

/// State that an earlier instance saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// Version of the strategy that saved it.
    pub version: String,
    /// Number of its layout.
    pub schema: u32,
    /// The state itself.
    pub data: Vec<u8>,
}

/// Everything that a strategy is told at its start.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    /// What it trades with.
    pub mode: Mode,
    /// Now.
    pub time: UnixNanos,
    /// For the strategy's own random numbers: the same for the same run.
    pub seed: u64,
    /// What it sees and may trade. The contract's `instrument-id` is the run's.
    pub instruments: Vec<(InstrumentId, &'a Instrument)>,
    /// A value for every parameter; see [`crate::Description::arguments`].
    pub arguments: Vec<Argument>,
    /// Its open positions.
    pub positions: Vec<PositionView>,
    /// Its open orders.
    pub orders: Vec<OpenOrderView>,
    /// The account's currency.
    pub currency: String,
    /// Its share of the account.
    pub budget: BudgetView,
    /// What is let through.
    pub trading_state: TradingState,
    /// What an earlier instance saved.
    pub restored: Option<SavedState>,
}

impl Session<'_> {
    /// The grids of its instruments.
    pub(crate) fn grids(&self) -> Grids {
        let mut grids = Grids::default();
        for (id, instrument) in &self.instruments {
            grids.set(*id, instrument);
        }
        grids
    }

    /// In the contract's terms.
    pub(crate) fn to_wire(&self, grids: &Grids) -> Result<wire::Session, UnknownInstrument> {
        Ok(wire::Session {
            mode: match self.mode {
                Mode::Backtest => wire::Mode::Backtest,
                Mode::Paper => wire::Mode::Paper,
                Mode::Testnet => wire::Mode::Testnet,
                Mode::Live => wire::Mode::Live,
            },
            time: self.time.0,
            seed: self.seed,
            instruments: self.instruments.iter().map(|(id, it)| instrument(*id, it)).collect(),
            arguments: arguments(&self.arguments),
            positions: self
                .positions
                .iter()
                .map(|it| position(it, grids))
                .collect::<Result<_, _>>()?,
            orders: self.orders.iter().map(|it| open_order(it, grids)).collect::<Result<_, _>>()?,
            budget: budget(&self.budget),
            currency: self.currency.clone(),
            trading_state: trading_state(self.trading_state),
            restored: self.restored.as_ref().map(|state| wire::SavedState {
                version: state.version.clone(),
                schema: state.schema,
                data: state.data.clone(),
            }),
        })
    }
}

/// Parameter values in the contract's terms.
pub(crate) fn arguments(arguments: &[Argument]) -> Vec<wire::Argument> {
    arguments
        .iter()
        .map(|argument| wire::Argument {
            name: argument.name.clone(),
            value: argument.value.to_wire(),
        })
        .collect()
}

/// Why a session ends, in the contract's terms.
pub(crate) const fn stop_reason(reason: StopReason) -> wire::StopReason {
    match reason {
        StopReason::Finished => wire::StopReason::Finished,
        StopReason::Operator => wire::StopReason::Operator,
        StopReason::Swapped => wire::StopReason::Swapped,
    }
}

fn instrument(id: InstrumentId, instrument: &Instrument) -> wire::Instrument {
    let spec = instrument.spec();
    wire::Instrument {
        id: u32::from(id.0),
        symbol: spec.symbol.clone(),
        venue: spec.venue.clone(),
        kind: match spec.kind {
            InstrumentKind::Spot => wire::InstrumentKind::Spot,
            InstrumentKind::Perpetual => wire::InstrumentKind::Perpetual,
            InstrumentKind::Future => wire::InstrumentKind::Future,
        },
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        price_tick: decimal(spec.price_tick),
        quantity_step: decimal(spec.quantity_step),
        min_quantity: decimal(spec.min_quantity),
        max_quantity: decimal(spec.max_quantity),
        min_notional: decimal(spec.min_notional),
        multiplier: decimal(spec.multiplier),
        maker_fee: decimal(spec.maker_fee.to_decimal()),
        taker_fee: decimal(spec.taker_fee.to_decimal()),
    }
}
