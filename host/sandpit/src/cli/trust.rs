//! `sandpit trust`.

use std::{
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use sandpit_plugin::{PublicKey, SIGNATURE_BYTES_MAX};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    places,
    reply::{Exit, Failure, Reply},
};
use crate::{
    sandbox,
    trust::{self, Document, Key, Pin, Removed, TrustFileError},
};

/// Bytes of a key file: as much as of a signature.
const KEY_FILE_BYTES_MAX: u64 = SIGNATURE_BYTES_MAX as u64;

#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// Trust a signer's key, or one component by its hash
    Add {
        /// A minisign public key (RW...), or the file that holds it
        #[arg(value_name = "KEYFILE|PUBLICKEY", required_unless_present = "pin")]
        key: Option<String>,
        /// Trust this component, exactly as it is now
        #[arg(long, value_name = "COMPONENT", conflicts_with = "key")]
        pin: Option<PathBuf>,
        /// What the pinned component is called [default: its file's name]
        #[arg(long, requires = "pin")]
        name: Option<String>,
        /// Whose it is, or why it is trusted
        #[arg(long, default_value = "")]
        comment: String,
        #[command(flatten)]
        list: ListArg,
    },
    /// Show whom this host trusts
    List {
        #[command(flatten)]
        list: ListArg,
    },
    /// Trust a key or a component no more
    Remove {
        /// A key's id, or a pin's hash or the beginning of it
        id: String,
        #[command(flatten)]
        list: ListArg,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListArg {
    /// The trust list [default: sandpit/trust.toml in the user's settings]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(command: TrustCommand) -> Result<Reply, Failure> {
    match command {
        TrustCommand::Add { key, pin, name, comment, list } => {
            let path = path(list)?;
            match (key, pin) {
                (Some(key), _) => add_key(&path, &key, comment),
                (None, Some(component)) => add_pin(&path, &component, name, comment),
                (None, None) => Err(Failure::new(Exit::Usage, "say which key or component")),
            }
        }
        TrustCommand::List { list } => show(&path(list)?),
        TrustCommand::Remove { id, list } => remove(&path(list)?, &id),
    }
}

impl From<TrustFileError> for Failure {
    fn from(error: TrustFileError) -> Self {
        let exit = match &error {
            TrustFileError::Io { .. }
            | TrustFileError::Shared(_)
            | TrustFileError::Foreign(_)
            | TrustFileError::Wrong { .. } => Exit::Config,
            TrustFileError::Comment => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::from_error(exit, &error)
    }
}

fn path(list: ListArg) -> Result<PathBuf, Failure> {
    list.file.or_else(places::trust_file).ok_or_else(|| {
        Failure::new(Exit::Config, "nothing says where the trust list is")
            .help("name it with --file FILE, or set HOME")
    })
}

fn now() -> String {
    // Whole seconds: it is for people.
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

fn add_key(path: &Path, said: &str, comment: String) -> Result<Reply, Failure> {
    let key = key(said)?;
    let entry = Key { key: key.clone(), comment, added: now() };
    trust::edit(path, |list| list.add_key(entry.clone()))?;
    let text = format!("Components signed with key {} are trusted now.", key.id());
    Ok(Reply::new(text, json!({ "file": path, "key": key_json(&entry) })))
}

/// A key that was typed, or the one in a file.
fn key(said: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = said.parse() {
        return Ok(key);
    }
    let wrong = |problem: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("`{said}` is no public key: {problem}"))
            .help("`minisign -G` makes a pair of keys; its `.pub` file is what others are given")
    };
    let mut text = String::new();
    fs::File::open(said)
        .and_then(|file| file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| wrong(&error))?;
    text.parse().map_err(|error: sandpit_plugin::KeyError| wrong(&error))
}

fn add_pin(
    path: &Path,
    component: &Path,
    name: Option<String>,
    comment: String,
) -> Result<Reply, Failure> {
    let file = sandbox::read_component(component)
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    // What may not be loaded anyway is not worth a pin: it is a file that was meant otherwise.
    sandpit_plugin::check(file.bytes()).map_err(|error| {
        Failure::from_error(Exit::PluginRefused, &error).help("nothing was pinned")
    })?;
    let stem = || component.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let sha256 = Sha256::digest(file.bytes()).into();
    let pin = Pin { sha256, name: name.unwrap_or_else(stem), comment, added: now() };
    trust::edit(path, |list| list.add_pin(pin.clone()))?;
    let text = format!("{} is trusted now, as it is: sha256 {}", pin.name, pin.hash());
    Ok(Reply::new(text, json!({ "file": path, "pin": pin_json(&pin) })))
}

fn remove(path: &Path, id: &str) -> Result<Reply, Failure> {
    let removed = trust::edit(path, |list| list.remove(id))?;
    let (text, json) = match &removed {
        Removed::Key(key) => {
            (format!("Key {} is trusted no more.", key.key.id()), json!({ "key": key_json(key) }))
        }
        Removed::Pin(pin) => (
            format!("{} is trusted no more: sha256 {}", pin.name, pin.hash()),
            json!({ "pin": pin_json(pin) }),
        ),
    };
    Ok(Reply::new(text, json!({ "file": path, "removed": json })))
}

fn show(path: &Path) -> Result<Reply, Failure> {
    let list = if path.exists() { trust::read(path)? } else { Document::default() };
    let mut text = format!("{}\n", path.display());
    if list.keys().is_empty() && list.pins().is_empty() {
        text.push_str("  nobody is trusted yet: `sandpit trust add`\n");
    }
    for key in list.keys() {
        let _ = writeln!(text, "  key {}  {}  {}", key.key.id(), key.added, key.comment);
    }
    for pin in list.pins() {
        let _ =
            writeln!(text, "  pin {}  {}  {}  {}", pin.hash(), pin.added, pin.name, pin.comment);
    }
    let keys: Vec<_> = list.keys().iter().map(key_json).collect();
    let pins: Vec<_> = list.pins().iter().map(pin_json).collect();
    Ok(Reply::new(text, json!({ "file": path, "keys": keys, "pins": pins })))
}

fn key_json(key: &Key) -> Value {
    json!({
        "id": key.key.id().to_string(),
        "public_key": key.key.base64(),
        "comment": key.comment,
        "added": key.added,
    })
}

fn pin_json(pin: &Pin) -> Value {
    json!({
        "sha256": pin.hash(),
        "name": pin.name,
        "comment": pin.comment,
        "added": pin.added,
    })
}
