//! How the simulated venue fills, told as scripts, and what never happens whatever the market does.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod dice;
mod edges;
mod margin;
mod models;
mod never;
mod pairs;
mod rules;
mod script;
