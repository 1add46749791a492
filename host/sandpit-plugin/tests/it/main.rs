//! The sandbox against guests that mean harm, and against one that does not.

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod lifecycle;
mod log;
mod refusals;
