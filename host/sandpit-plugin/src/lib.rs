//! The sandbox: strategy components are checked, compiled, limited and called here, and nowhere
//! else. What an intent leads to is not decided here.
//!
//! The way of a component:
//!
//! ```text
//! bytes ─ check ─▶ Checked ─ Engine::compile ─▶ Artifact ─ Instance::load ─▶ Instance
//!                                                              describe ┘       │
//!                         start(session) ─▶ call(event)… ─▶ save ─▶ stop ◀──────┘
//! ```
//!
//! **Architecture invariant:** this crate is the only user of wasmtime and wit-component. It reads
//! no file and no environment, and no component gets anything but one function, `log`.
//!
//! **Architecture invariant:** whatever a component does is a value ([`Fault`]) and never a panic
//! or an endless wait. An instance that is at fault is never entered again.
//!
//! **Architecture invariant:** host code runs inside a guest's call only for `log`, which is paid
//! for in fuel. There is no random number and no clock: the same calls give the same answers and
//! use the same fuel.

#![forbid(unsafe_code)]

mod bindings;
mod check;
mod convert;
mod describe;
mod encode;
mod engine;
mod inspect;
mod instance;
mod latency;
mod limits;
mod log;
mod port;
mod session;
mod text;
mod ticker;

pub use check::{CheckError, Checked, CountError, check};
pub use describe::{
    Argument, ArgumentError, Description, DescriptionError, Parameter, ParameterKind, Value, WarmUp,
};
pub use encode::{EncodeError, encode};
pub use engine::{Artifact, CompileError, Engine, EngineError, EngineSettings};
pub use inspect::{Inspection, LimitsView, ParameterView, WarmUpView};
pub use instance::{Instance, Parameters};
pub use latency::{Latency, Sampling};
pub use limits::{COMPONENT_BYTES_MAX, Limits, STACK_BYTES_MAX};
pub use log::{LogLevel, LogLine, LogSink, NoLog};
pub use port::{InlinePlugins, Plugins, Runner, Stats};
pub use sandpit_core::plugin::{CallCost, Fault, FaultCode};
pub use session::{Mode, SavedState, Session, StopReason};
