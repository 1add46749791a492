//! Disk formats of Sandpit. What is on disk is known here and nowhere else: the [`tape`] of market
//! events, the [`journal`] of what the host decided, and the [`calls`] of what plugins were told.
//!
//! **Architecture invariant:** this crate knows the core's types and files. It knows no venue, no
//! plugin and no network, and a file is hostile until it has been checked.

#![forbid(unsafe_code)]

pub mod calls;
pub mod journal;
pub mod tape;
