//! What a start costs, from a file on disk to an instance that has described itself:
//! `cargo bench -p sandpit-plugin --bench loading [-- COMPONENT...]`. Cold in this process, cold
//! with the compiler in a child process, and with what was compiled before.

#[path = "../tests/support/mod.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which need other parts and may unwrap"
)]
mod support;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sandpit_plugin::{
    Cache, CacheLimits, ChildCompiler, CompileLimits, Compiler, ComponentFile, Engine,
    EngineSettings, Instance, Limits, Loader, Mode, NoLog, Policy, TrustList, check,
};

use support::Guest;

type Error = Box<dyn std::error::Error>;

const COLD_ROUNDS: usize = 15;
const WARM_ROUNDS: usize = 100;
/// What a start of a cached plugin may take.
const CACHED_MAX: Duration = Duration::from_millis(20);

/// About as much code as a strategy that was written in Rust has.
fn as_large_as_a_strategy() -> Guest {
    let function = "(func (param f64 f64) (result f64) (local f64)
        (local.set 2 (f64.mul (local.get 0) (local.get 1)))
        (block (loop
          (br_if 1 (f64.lt (local.get 2) (f64.const 1)))
          (local.set 2 (f64.div (local.get 2) (f64.add (local.get 0) (f64.const 1.5))))
          (br_if 0 (f64.gt (local.get 2) (local.get 1)))))
        (f64.sqrt (local.get 2)))";
    Guest::idle().extra(&function.repeat(700))
}

fn loader() -> Result<Loader, Error> {
    let engine = Engine::new(EngineSettings::default())?;
    Ok(Loader::new(engine, Mode::Paper, Policy::Any, TrustList::default())?)
}

/// From the file to an instance that can be started.
fn start(loader: &Loader, path: &Path) -> Result<Duration, Error> {
    let begun = Instant::now();
    let loaded = loader.load(&ComponentFile::read(path)?)?;
    let instance = Instance::load(&loaded.artifact, "bench", &Limits::default(), Box::new(NoLog))
        .map_err(|fault| fault.detail)?;
    let taken = begun.elapsed();
    drop(instance);
    Ok(taken)
}

fn rounds(
    count: usize,
    mut round: impl FnMut() -> Result<Duration, Error>,
) -> Result<Vec<Duration>, Error> {
    let mut taken = (0..count).map(|_| round()).collect::<Result<Vec<_>, _>>()?;
    taken.sort_unstable();
    Ok(taken)
}

fn say(out: &mut impl std::io::Write, what: &str, taken: &[Duration]) -> Result<(), Error> {
    let ms = |at: usize| taken[at.min(taken.len() - 1)].as_secs_f64() * 1e3;
    let (half, most) = (taken.len() / 2, taken.len() * 99 / 100);
    writeln!(out, "  {what:<34} {:9.3} {:9.3} {:9.3}", ms(0), ms(half), ms(most))?;
    Ok(())
}

fn measure(out: &mut impl std::io::Write, name: &str, path: &Path) -> Result<(), Error> {
    let bytes = fs::read(path)?;
    writeln!(out, "{name}: {} bytes{:>25} {:>9} {:>9}", bytes.len(), "best ms", "p50", "p99")?;
    let folder = tempfile::tempdir()?;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sandpit-compile-child"));
    let child = ChildCompiler::new(program, Vec::new(), CompileLimits::default());

    let checks = rounds(WARM_ROUNDS, || {
        let begun = Instant::now();
        check(&bytes)?;
        Ok(begun.elapsed())
    })?;
    say(out, "all checks", &checks)?;
    let engines = rounds(WARM_ROUNDS, || {
        let begun = Instant::now();
        drop(Engine::new(EngineSettings::default())?);
        Ok(begun.elapsed())
    })?;
    say(out, "an engine, once per process", &engines)?;
    let inline = loader()?;
    say(out, "cold, compiled here", &rounds(COLD_ROUNDS, || start(&inline, path))?)?;
    let outside = loader()?.with_compiler(Compiler::Child(child));
    say(out, "cold, compiled in a child", &rounds(COLD_ROUNDS, || start(&outside, path))?)?;
    let (code, key) = (folder.path().join("code"), folder.path().join("key"));
    let cache = Cache::open(&code, &key, CacheLimits::default())?;
    let cached = loader()?.with_cache(cache);
    start(&cached, path)?;
    let warm = rounds(WARM_ROUNDS, || start(&cached, path))?;
    say(out, "cached", &warm)?;
    let hits = cached.cache_stats().map_or(0, |stats| stats.hits);
    assert_eq!(hits, WARM_ROUNDS as u64, "the cache was not used");
    let met = warm[warm.len() / 2] < CACHED_MAX;
    writeln!(out, "  a cached start under 20 ms: {}", if met { "yes" } else { "no" })?;
    Ok(())
}

fn main() -> Result<(), Error> {
    let mut out = std::io::stdout();
    let named: Vec<PathBuf> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).map(Into::into).collect();
    for path in &named {
        measure(&mut out, &path.display().to_string(), path)?;
    }
    if named.is_empty() {
        let folder = tempfile::tempdir()?;
        for (name, guest) in
            [("does nothing", Guest::idle()), ("700 functions", as_large_as_a_strategy())]
        {
            let path = folder.path().join("component.wasm");
            fs::write(&path, guest.component())?;
            measure(&mut out, name, &path)?;
        }
    }
    out.flush()?;
    Ok(())
}
