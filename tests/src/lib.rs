//! Black-box tests of Sandpit: `it/` sees the project as its users do, through the command line, the
//! documents and the files; `hostile/` is plugins that mean harm, each beside an honest one; `chaos/` is
//! an exchange behind a proxy that does harm. What a crate does inside is tested in the crate.

mod command;

pub use command::{binary, market_maker, root, sandpit, strategies_target, user_folder};
