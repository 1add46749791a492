//! The compiler's process for the tests and benches of this crate: what `sandpit` is when it is
//! started with its hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    sandpit_plugin::serve_compiler(&words)
}
