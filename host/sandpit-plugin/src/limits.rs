//! Every bound on what a component may use while it runs, with its default. What a file may
//! contain before it runs is bounded in `check`.

use std::time::Duration;

/// Bytes of a component.
pub const COMPONENT_BYTES_MAX: usize = 64 * MIB;

/// Bytes of native stack that a guest's calls may use. One for all plugins of an engine.
pub const STACK_BYTES_MAX: usize = 512 * KIB;

/// Linear memories of a component.
pub(crate) const MEMORIES_MAX: usize = 4;
/// Tables of a component.
pub(crate) const TABLES_MAX: usize = 4;
/// Core instances of a component: the module itself, its shims, adapters. Python's interpreter is
/// linked from 108 of them, each a library or the bundle of what one takes from another.
pub(crate) const INSTANCES_MAX: usize = 192;
/// Live resource handles of a component. The contract has no resources.
pub(crate) const HANDLES_MAX: usize = 256;
/// Bytes that `describe` may hand over: 64 parameters with all their texts, with room to spare.
pub(crate) const DESCRIBE_OUTPUT_BYTES_MAX: usize = 512 * KIB;
/// Bytes of a text of the contract: a reason, a free parameter.
pub(crate) const REASON_BYTES_MAX: usize = 256;
/// Bytes of a fault's detail.
pub(crate) const FAULT_DETAIL_BYTES_MAX: usize = 4 * KIB;
/// Frames of a fault's back-trace.
pub(crate) const BACKTRACE_FRAMES_MAX: usize = 32;
/// Bytes of one intent in a guest's memory.
pub(crate) const GUEST_INTENT_BYTES: usize = 152;
/// Bytes of one intent as the host reads it, rounded up.
const INTENT_BYTES: usize = 256;
/// Fuel of one `log` call, so that a loop over it is as bounded as any other.
pub(crate) const LOG_CALL_FUEL: u64 = 1_000;
/// Fuel of each byte handed to `log`.
pub(crate) const LOG_BYTE_FUEL: u64 = 1;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What one plugin may use. Exceeding any of it is a fault, save for the log, where lines are cut
/// or dropped and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories together.
    pub memory_bytes_max: usize,
    /// Elements of all tables together.
    pub table_elements_max: usize,
    /// Fuel of one call, `take-intents` included: about one unit per WebAssembly instruction. This
    /// is what ends a call that runs away, and it ends it at the same instruction in backtest and
    /// live.
    pub fuel_per_call_max: u64,
    /// Fuel of instantiation, of `describe`, of `start` and of `save`, each.
    pub fuel_start_max: u64,
    /// Wall time of one call: the backstop where fuel does not see the work. Kept to within one
    /// tick of the engine, never less.
    pub call_deadline: Duration,
    /// Wall time of instantiation, of `describe`, of `start` and of `save`, each.
    pub start_deadline: Duration,
    /// Intents of one call.
    pub intents_per_call_max: usize,
    /// Intents per second of event time, counted over [`crate::INTENT_RATE_WINDOW`]: ten times as
    /// many in any ten seconds.
    pub intents_per_second_max: u32,
    /// Bytes that one call may hand over, to the host's `log` or as its result. Where more intents
    /// are allowed than fit, what they need is allowed as well.
    pub output_bytes_max: usize,
    /// Bytes of a saved state.
    pub state_bytes_max: usize,
    /// Bytes of one log line; what is longer is cut.
    pub log_line_bytes_max: usize,
    /// Bytes of log lines per second of event time; what is beyond is dropped and counted.
    pub log_bytes_per_second_max: u64,
    /// Bytes of a core dump, and of the guest's memory that it would hold: one that is larger is
    /// left out. 0 is none.
    pub core_dump_bytes_max: usize,
}

/// How much a strategy's runtime may need: limits by name, for an operator to grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Compiled languages.
    #[default]
    Standard,
    /// Strategies that bring an interpreter along: its heap, its start, and its collector of garbage,
    /// which now and then makes one call a hundred times as long as the others.
    Heavy,
}

impl Profile {
    /// All, the smallest first.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Heavy];

    /// Its name in configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Heavy => "heavy",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// What it allows. What no runtime needs more of is the same in all.
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            Self::Standard => Limits::default(),
            Self::Heavy => Limits {
                memory_bytes_max: 512 * MIB,
                table_elements_max: 100_000,
                fuel_per_call_max: 2_000_000_000,
                fuel_start_max: 50_000_000_000,
                call_deadline: Duration::from_secs(1),
                start_deadline: Duration::from_secs(60),
                ..Limits::default()
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 * MIB,
            table_elements_max: 10_000,
            // A handler of a few hundred instructions is far below it; at two to four instructions
            // a nanosecond it is a tenth of the wall deadline, so fuel comes first.
            fuel_per_call_max: 10_000_000,
            fuel_start_max: 2_000_000_000,
            call_deadline: Duration::from_millis(50),
            start_deadline: Duration::from_secs(5),
            intents_per_call_max: 64,
            intents_per_second_max: 20,
            output_bytes_max: 64 * KIB,
            state_bytes_max: MIB,
            log_line_bytes_max: KIB,
            log_bytes_per_second_max: 16 * KIB as u64,
            core_dump_bytes_max: 16 * MIB,
        }
    }
}

impl Limits {
    /// [`Self::output_bytes_max`], or more where that many intents need it.
    pub(crate) fn handed_over_bytes_max(&self) -> usize {
        let intents = self.intents_per_call_max.saturating_mul(INTENT_BYTES);
        self.output_bytes_max.max(intents)
    }

    /// The same with wall deadlines so far off that only a host in trouble meets them. For
    /// backtests, whose outcome must not depend on how busy the machine is: there fuel, which is
    /// the same everywhere, ends what runs away.
    #[must_use]
    pub fn reproducible(mut self) -> Self {
        const REPRODUCIBLE_DEADLINE: Duration = Duration::from_secs(60);
        self.call_deadline = self.call_deadline.max(REPRODUCIBLE_DEADLINE);
        self.start_deadline = self.start_deadline.max(REPRODUCIBLE_DEADLINE);
        self
    }
}
