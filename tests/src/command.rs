//! The command under test, and where what it needs is built.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The repository.
///
/// # Panics
/// It is not where it was built.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize();
    root.expect("the repository is where it was built")
}

/// The binary, built like everything else: a test run of this package alone would find an old one.
///
/// # Panics
/// It does not build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(root()).args(["build", "--release", "--quiet", "--bin", "sandpit"]);
        // What cargo tells a test of its package: the script of one dependency looks at it, and half of
        // all would be compiled again.
        let told = env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| is_of_the_package(&name.to_string_lossy())) {
            build.env_remove(name);
        }
        let built = build.status().expect("cargo runs");
        assert!(built.success(), "the binary does not build");
        // A test runs from `target/release/deps`.
        let here = env::current_exe().expect("a process knows its file");
        here.ancestors().nth(2).expect("it lies in a target folder").join("sandpit")
    })
}

/// Whether a variable is one that cargo sets for the package whose tests it runs.
fn is_of_the_package(name: &str) -> bool {
    const OTHERS: [&str; 5] = [
        "CARGO_CRATE_NAME",
        "CARGO_BIN_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
    ];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || OTHERS.contains(&name)
}

/// Where strategies are built that a test begins: one folder for all, so that what they are built
/// on is compiled once.
#[must_use]
pub fn strategies_target() -> PathBuf {
    root().join("target/strategies")
}

/// A folder of the user as whom the tests run the command.
#[must_use]
pub fn user_folder(name: &str) -> PathBuf {
    strategies_target().join("user").join(name)
}

/// The command in a folder, with nothing of the caller's settings.
#[must_use]
pub fn sandpit(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", strategies_target())
        .env("SANDPIT_TOOLCHAINS", strategies_target().join("toolchains"))
        .env_remove("SANDPIT_LOG")
        // Nothing of the caller's: an empty list of whom to trust, and a cache of the tests' own.
        .env("XDG_CONFIG_HOME", user_folder("config"))
        .env("XDG_CACHE_HOME", user_folder("cache"))
        .env("XDG_STATE_HOME", user_folder("state"))
        .env("NO_COLOR", "1");
    command
}

/// The example market maker as a component, built once.
///
/// # Panics
/// It does not build.
pub fn market_maker() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let out = strategies_target().join("for-tests/market-maker.wasm");
        let built = sandpit(&root())
            .args(["plugin", "build", "plugins/market-maker", "--quiet", "--out"])
            .arg(&out)
            .status()
            .expect("the command runs");
        assert!(built.success(), "the market maker does not build");
        out
    })
}
