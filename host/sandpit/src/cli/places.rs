//! Where this user's things are: the trust list, machine code that was compiled before, this host's
//! key. The one place that asks the environment for it; rooms are told.

use std::{env, path::PathBuf};

use crate::sandbox::{CachePlace, Isolation, Loading};

/// The folder of ours in each of the user's.
const OURS: &str = "sandpit";
const TRUST_FILE: &str = "trust.toml";
const CODE_FOLDER: &str = "code";
const KEY_FILE: &str = "host.key";
const KEY_LEDGER: &str = "keys.json";

/// A folder of the user's, by its variable or in the home folder; none where there is neither.
fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let said = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let default = || {
        let home = env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute())?;
        Some(home.join(in_home))
    };
    Some(said.or_else(default)?.join(OURS))
}

/// The user's trust list, whether it is there or not.
pub(super) fn trust_file() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join(TRUST_FILE))
}

/// The file that says which account uses which key on this machine.
pub(super) fn key_ledger() -> Option<PathBuf> {
    Some(folder("XDG_STATE_HOME", ".local/state")?.join(KEY_LEDGER))
}

/// What a configuration leaves open of how components are loaded: this program as its own compiler,
/// the user's cache, and the user's trust list, where there is one and no other is named.
pub(super) fn equip(loading: &mut Loading) {
    if loading.trust_file.is_none() {
        loading.trust_file = trust_file().filter(|path| path.exists());
    }
    loading.compiler = env::current_exe().ok();
    // On Linux this is the very program that runs, even once its file was replaced.
    let this = PathBuf::from("/proc/self/exe");
    loading.runner = if this.exists() { Some(this) } else { loading.compiler.clone() };
    let code = folder("XDG_CACHE_HOME", ".cache").map(|folder| folder.join(CODE_FOLDER));
    let key = folder("XDG_STATE_HOME", ".local/state").map(|folder| folder.join(KEY_FILE));
    loading.cache = code.zip(key).map(|(folder, key_file)| CachePlace { folder, key_file });
}

/// Where a strategy can do the least on this system.
pub(super) const SAFEST_ISOLATION: Isolation =
    if cfg!(target_os = "linux") { Isolation::Process } else { Isolation::Inline };

/// Where strategies run: as a flag says, or the file, or as the command has it.
pub(super) fn isolate(loading: &mut Loading, said: Option<Isolation>, default: Isolation) {
    loading.isolation = said.or(loading.isolation).or(Some(default));
}

/// How components are loaded where there is no configuration.
pub(super) fn loading() -> Loading {
    let mut loading = Loading::default();
    equip(&mut loading);
    loading
}
