//! The `sandpit` command: see [`sandpit::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sandpit::cli::main()
}
