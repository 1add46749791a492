//! Plugins in processes of their own. A runner is this same program, started again with nothing of
//! the host's but a socket; it puts walls around itself, loads one component, and answers. The host
//! takes nothing from it on trust: not its time, not its words.
//!
//! ```text
//! host                                                            runner (serve)
//! Launcher ── starts, one socket ────────────────────────────────▶ Setup
//! ProcessRunner ◀──────────────── Hello: which walls stand ──────── confine()
//!     │ refuses where a required wall is missing
//!     └──────── Load: machine code, limits ───────────────────────▶ link, seal(), instantiate
//!     ◀─────────────────────────── Described ────────────────────── describe
//!     ──────── Start, Call, Parameters, Save, Stop ───────────────▶
//!     ◀─────────────────────────── Done, Saved, Fault ─────────────
//! ```
//!
//! **Architecture invariant:** no key, no variable of the environment and no open file of the host
//! is ever in a runner: it is started from nothing, never forked with the host's memory.
//!
//! **Architecture invariant:** a runner that is late is ended from outside. No clock inside of it
//! is relied upon.
//!
//! Only Linux has these walls; elsewhere there is no such process, and plugins run inline.

#[cfg(target_os = "linux")]
mod asked;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod child;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod process;
mod settings;
#[cfg(target_os = "linux")]
mod sys;
pub(crate) mod walls;
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, unused_imports, reason = "call logs need no more of it than requests")
)]
pub(crate) mod wire;

#[cfg(target_os = "linux")]
pub use child::serve;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Launcher, ProcessRunner, serve};
#[cfg(target_os = "linux")]
pub use launch::Launcher;
#[cfg(target_os = "linux")]
pub use process::ProcessRunner;
pub use settings::{LaunchError, LaunchSettings, ProcessUsage};
