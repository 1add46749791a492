//! From what happens to what a person has to know. Pure: time is in what is observed, and nothing here
//! reads a clock, a socket or a file.
//!
//! A rule speaks once when something begins to be wrong, once more if it becomes worse, and once when
//! it is over. The bound at which it is over lies well below the one at which it begins, or some time
//! after, so that what hovers about a bound is one alert. A severity never goes down while it is wrong.
//!
//! Not here: who is told ([`crate::desk`]), and how ([`crate::channels`]).

mod amounts;
mod beats;
mod config;
mod fills;
mod levels;
mod lines;
mod observation;
mod orders;
mod pnl;
mod states;
mod switch;
mod volume;
mod window;

use sandpit_core::time::UnixNanos;

pub use config::{
    ClockOffsetRule, ConnectionRule, DiskSpaceRule, EngineRule, FillPriceRule, FillSizeRule,
    ForeignOrdersRule, GapsRule, HeartbeatRule, KeyAgeRule, KillSwitchRule, LimitBreachRule,
    LockRule, OrderFailuresRule, PnlVelocityRule, QuarantineRule, ReconcileRule, RulesConfig,
    RulesError, VolumeRule,
};
pub use observation::{Beat, KeyClass, LineState, Observation, OrderOutcome};

use crate::Signal;

/// Subjects that a rule keeps apart. Those past it share one alert under [`OTHERS`].
pub const SUBJECTS_MAX: usize = 256;
/// The subject of what there was no room for.
pub const OTHERS: &str = "(others)";

/// All rules with what they remember.
#[derive(Debug)]
pub struct Rules {
    fills: fills::Fills,
    volume: volume::Volume,
    orders: orders::Orders,
    lines: lines::Lines,
    pnl: pnl::Pnl,
    beats: beats::Beats,
    states: states::States,
    levels: levels::Levels,
}

impl Rules {
    /// Rules that have seen nothing yet.
    #[must_use]
    pub fn new(config: &RulesConfig) -> Self {
        Self {
            fills: fills::Fills::new(config.fill_price, config.fill_size),
            volume: volume::Volume::new(config.volume),
            orders: orders::Orders::new(config.order_failures),
            lines: lines::Lines::new(config.connection, config.gaps),
            pnl: pnl::Pnl::new(config.pnl_velocity),
            beats: beats::Beats::new(config.heartbeat),
            states: states::States::new(config),
            levels: levels::Levels::new(config),
        }
    }

    /// Takes in what was seen at `now`. Times of later calls are not before those of earlier ones;
    /// where they are, no time has passed.
    pub fn observe(&mut self, now: UnixNanos, seen: &Observation, out: &mut Vec<Signal>) {
        match seen {
            Observation::Fill { .. } => self.fills.observe(now, seen, out),
            Observation::Volume { instrument, interval, volume } => {
                self.volume.observe(now, (instrument, *interval), *volume, out);
            }
            Observation::Order { plugin, outcome } => {
                self.orders.observe(now, plugin, *outcome, out);
            }
            Observation::Line { line, state } => self.lines.state(now, line, *state),
            Observation::Gap { line, missed } => self.lines.gap(now, line, *missed, out),
            Observation::Equity { scope, equity } => self.pnl.observe(now, scope, *equity, out),
            Observation::Beat { of, name } => self.beats.beat(now, *of, name, out),
            Observation::BeatEnded { of, name } => self.beats.ended(now, *of, name, out),
            Observation::Limit { .. }
            | Observation::Lock { .. }
            | Observation::Quarantine { .. }
            | Observation::KillSwitch { .. }
            | Observation::ForeignOrders { .. }
            | Observation::Engine { .. } => self.states.observe(now, seen, out),
            Observation::KeyAge { .. }
            | Observation::ClockOffset { .. }
            | Observation::DiskSpace { .. }
            | Observation::Reconcile { .. } => self.levels.observe(now, seen, out),
        }
    }

    /// Lets time pass: what is late is late without anything being seen. To be called about every
    /// second.
    pub fn tick(&mut self, now: UnixNanos, out: &mut Vec<Signal>) {
        self.fills.tick(now, out);
        self.volume.tick(now, out);
        self.orders.tick(now, out);
        self.lines.tick(now, out);
        self.pnl.tick(now, out);
        self.beats.tick(now, out);
        self.states.tick(now, out);
    }
}
