//! The sandbox: strategy components are checked, compiled, limited and called here, and nowhere
//! else. What an intent leads to is not decided here.
//!
//! The way of a component:
//!
//! ```text
//! file ─ trust ─ check ─▶ Checked ─ cache or compiler ─▶ Compiled ─ link ─▶ Artifact ┐
//!                 └────────────────────── Loader ──────────────────────┘            │
//!       Instance ◀─ describe ─ Instance::load ──────────────────────────────────────┘
//!          └─▶ start(session) ─▶ call(event)… ─▶ save ─▶ stop
//! ```
//!
//! **Architecture invariant:** this crate is the only user of wasmtime and wit-component. It reads
//! no environment and no file but those that it is told to load or to keep machine code in, and no
//! component gets anything but one function, `log`.
//!
//! **Architecture invariant:** bytes become code that runs in one function, `compile::adopt`, and
//! only where our own compiler made them on this machine.
//!
//! **Architecture invariant:** whatever a component does is a value ([`Fault`]) and never a panic
//! or an endless wait. An instance that is at fault is never entered again.
//!
//! **Architecture invariant:** host code runs inside a guest's call only for `log`, which is paid
//! for in fuel. There is no random number and no clock: the same calls give the same answers and
//! use the same fuel.

mod bindings;
mod cache;
mod calls;
mod check;
mod compile;
mod convert;
mod describe;
mod encode;
mod engine;
mod inspect;
mod instance;
mod latency;
mod limits;
mod load;
mod log;
mod port;
mod queue;
mod rate;
mod runner;
mod session;
mod supervise;
mod text;
mod ticker;
mod trust;

pub use cache::{Cache, CacheError, CacheLimits, CacheStats, HOST_KEY_BYTES};
pub use calls::{
    Answered, CallRecord, CallRecordError, CallSink, Life, Recorded, RecordedAsk, digest_of,
};
pub use check::{CheckError, Checked, CountError, check};
pub use compile::{
    ChildCompiler, CompileFailure, CompileLimits, Compiled, Compiler, serve as serve_compiler,
};
pub use describe::{
    Argument, ArgumentError, Description, DescriptionError, Parameter, ParameterKind, Value, WarmUp,
};
pub use encode::{EncodeError, encode};
pub use engine::{Artifact, CompileError, Engine, EngineError, EngineSettings};
pub use inspect::{Inspection, LimitsView, ParameterView, WarmUpView};
pub use instance::{Instance, Parameters};
pub use latency::{Latency, Sampling};
pub use limits::{COMPONENT_BYTES_MAX, Limits, Profile, STACK_BYTES_MAX};
pub use load::{
    ComponentFile, Loaded, Loader, Origin, Prepared, ReadError, Refusal, RefusalCode,
    SIGNATURE_EXTENSION,
};
pub use log::{LogLevel, LogLine, LogSink, NoLog};
pub use port::{AnyPlugins, AnyRunner, Ask, InlinePlugins, Plugins, Reply, Runner, Stats};
pub use queue::{Queue, QueueLimits};
pub use rate::INTENT_RATE_WINDOW;
#[cfg(target_os = "linux")]
pub use runner::walls::{Confinement, confine, confine_compiler, seal};
pub use runner::{
    LaunchError, LaunchSettings, Launcher, ProcessRunner, ProcessUsage, serve as serve_runner,
    walls::{State as WallState, UnknownWall, Wall, WallName, breach, protect_host_memory},
};
pub use sandpit_core::plugin::{CallCost, Fault, FaultCode};
pub use session::{Mode, SavedState, Session, StopReason};
pub use supervise::{
    Cause, Consequence, FaultRules, Moment, Outcome, Phase, Setting, SlotLimits, SlotView, Stance,
    Stances, SuperviseRules, Supervisor, Totals, Version,
};
pub use trust::{
    COMMENT_BYTES_MAX, KEYS_MAX, KeyError, KeyId, PINS_MAX, Pin, Policy, PublicKey,
    SIGNATURE_BYTES_MAX, SignatureState, Trust, TrustError, TrustList, TrustedKey,
};
