//! The whole way of a component from a file to an instance, and every way to be refused on it.

mod attacks;
mod bombs;
mod cache;
mod codes;
mod mutation;
mod swap;
mod trust;

use std::{path::PathBuf, time::Duration};

use sandpit_plugin::{
    ChildCompiler, CompileLimits, Compiler, ComponentFile, Loader, Mode, Policy, Refusal,
    RefusalCode, TrustList,
};

use crate::support::engine;

/// The compiler's process as it is installed, with these limits.
fn child(limits: CompileLimits) -> Compiler {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sandpit-compile-child"));
    Compiler::Child(ChildCompiler::new(program, Vec::new(), limits))
}

/// A shell in the place of the compiler's process.
fn shell(script: &str, limits: CompileLimits) -> Compiler {
    let arguments = vec!["-c".into(), script.into()];
    Compiler::Child(ChildCompiler::new("/bin/sh".into(), arguments, limits))
}

/// Lets in everything.
fn open_loader() -> Loader {
    loader(Policy::Any, TrustList::default())
}

fn loader(policy: Policy, list: TrustList) -> Loader {
    Loader::new(engine(), Mode::Paper, policy, list).unwrap()
}

fn refused(loader: &Loader, bytes: &[u8]) -> Refusal {
    loader.load(&ComponentFile::unsigned(bytes.to_owned())).unwrap_err()
}

fn code(loader: &Loader, bytes: &[u8]) -> RefusalCode {
    refused(loader, bytes).code()
}

/// Limits under which a test does not have to wait long.
fn short() -> CompileLimits {
    CompileLimits { wall_max: Duration::from_millis(300), ..CompileLimits::default() }
}

/// A small generator with a fixed seed: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}
