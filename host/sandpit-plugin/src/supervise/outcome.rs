//! What the supervisor is told of a plugin, and what it tells the shell. Values only: what is done
//! about them (journal rows, commands to the engine, files) is the shell's.

use std::sync::Arc;

use sandpit_core::{
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    intent::Intent,
    plugin::{BudgetView, Fault, OpenOrderView, PositionView, Subscriptions, TradingState},
    time::UnixNanos,
};

use crate::{
    describe::Argument,
    load::ComponentFile,
    session::{Mode, SavedState, Session},
};

/// A component that a plugin runs, or ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its bytes and its signature, for the next process that runs it.
    pub file: Arc<ComponentFile>,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// What it says its version is.
    pub version: String,
    /// Number of the layout of its state.
    pub schema: u32,
    /// The values of its parameters.
    pub arguments: Vec<Argument>,
    /// What it wants to be told of the market.
    pub subscriptions: Subscriptions,
}

/// What of a plugin's session stays as it is.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What it trades with.
    pub mode: Mode,
    /// For its own random numbers.
    pub seed: u64,
    /// What it sees and may trade.
    pub instruments: Vec<(InstrumentId, Instrument)>,
    /// The account's currency.
    pub currency: String,
}

/// How a plugin stands at one moment.
#[derive(Clone, Debug)]
pub struct Stance {
    /// When.
    pub time: UnixNanos,
    /// Its open positions.
    pub positions: Vec<PositionView>,
    /// Its open orders.
    pub orders: Vec<OpenOrderView>,
    /// Its share of the account.
    pub budget: BudgetView,
    /// What is let through.
    pub trading_state: TradingState,
}

/// Knows how plugins stand now.
pub trait Stances {
    /// How this one does.
    fn stance(&self, plugin: PluginId) -> Stance;
}

impl Setting {
    /// The session that begins here.
    pub(super) fn session(
        &self,
        stance: Stance,
        arguments: &[Argument],
        restored: Option<SavedState>,
    ) -> Session<'_> {
        Session {
            mode: self.mode,
            time: stance.time,
            seed: self.seed,
            instruments: self.instruments.iter().map(|(id, it)| (*id, it)).collect(),
            arguments: arguments.to_vec(),
            positions: stance.positions,
            orders: stance.orders,
            currency: self.currency.clone(),
            budget: stance.budget,
            trading_state: stance.trading_state,
            restored,
        }
    }
}

/// Why a plugin is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was loaded.
    Load,
    /// It was at fault, and its time has come; or a person released it.
    Restart,
    /// It takes over from another version.
    Swap,
    /// It comes back, since its successor did not hold.
    RollBack,
}

/// What follows from a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It is started again, with what it saved last.
    Restart {
        /// The engine's time of that.
        at: UnixNanos,
    },
    /// It is not called until a person releases it.
    Quarantine,
    /// The version before it comes back.
    RollBack,
    /// The version that was to be replaced goes on.
    KeepOld,
}

/// Something that the shell has to know, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A plugin asks for something, oldest first.
    Intents {
        /// Who.
        plugin: PluginId,
        /// For what; never empty.
        intents: Vec<Intent>,
    },
    /// It was started and takes events now.
    Started {
        /// Who.
        plugin: PluginId,
        /// Why.
        cause: Cause,
        /// The component before it, where there was another.
        from: Option<[u8; 32]>,
        /// The component.
        to: [u8; 32],
    },
    /// It is at fault; what it asked for in that call is dropped.
    Faulted {
        /// Who.
        plugin: PluginId,
        /// How.
        fault: Fault,
        /// Which component.
        component: [u8; 32],
        /// What follows.
        then: Consequence,
    },
    /// The memory of a component that trapped, for its author.
    CoreDump {
        /// Whose.
        plugin: PluginId,
        /// A WebAssembly core dump, as the process handed it over: not to be trusted.
        bytes: Vec<u8>,
    },
    /// A runner is wanted: the shell makes it and says [`super::Supervisor::made`].
    Make {
        /// For whom.
        plugin: PluginId,
        /// To be said with it.
        ticket: u64,
        /// Of what.
        version: Version,
    },
    /// A plugin's state is kept.
    Saved {
        /// Whose.
        plugin: PluginId,
        /// It.
        state: SavedState,
    },
    /// New parameters were taken, or refused with a reason.
    Parameters {
        /// By whom.
        plugin: PluginId,
        /// How.
        answer: Result<(), String>,
    },
    /// It runs no more.
    Unloaded {
        /// Who.
        plugin: PluginId,
    },
}
