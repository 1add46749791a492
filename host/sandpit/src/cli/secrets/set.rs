//! `sandpit secrets set`. A key is never an argument: others of this machine see those, and shells
//! remember them.

use std::io::{self, IsTerminal as _};

use sandpit_secrets::{Credential, KeyKind, KeyUri, SecretText, source};
use serde_json::json;

use super::{
    super::reply::{Exit, Failure, Reply},
    SetArgs,
    typed::{piped, typed},
};
use crate::keys::{KeysError, mask};

pub(super) fn run(arguments: &SetArgs) -> Result<Reply, Failure> {
    let uri: KeyUri = arguments
        .uri
        .parse()
        .map_err(|source| Failure::from(KeysError::Uri { key: "URI", source }))?;
    let failed = |error| Failure::from_error(Exit::Config, &error);
    if arguments.remove {
        let was_there = source::remove(&uri).map_err(failed)?;
        let text = match was_there {
            true => format!("{uri} is not there any more"),
            false => format!("there was nothing at {uri}"),
        };
        return Ok(Reply::new(text, json!({ "uri": uri.to_string(), "removed": was_there })));
    }
    let document = document(arguments.ed25519)?;
    source::store(&uri, &document).map_err(failed)?;
    let text = format!("{uri} is set; `sandpit secrets check {uri}` shows what it is");
    Ok(Reply::new(text, json!({ "uri": uri.to_string(), "set": true })))
}

/// The key as it is stored.
fn document(is_ed25519: bool) -> Result<SecretText, Failure> {
    let kind = if is_ed25519 { KeyKind::Ed25519 } else { KeyKind::Hmac };
    let failed = |error: io::Error| Failure::from_error(Exit::Failed, &error);
    let (name, secret) = if io::stdin().is_terminal() {
        let what = match kind {
            KeyKind::Hmac => "Secret (not shown): ",
            KeyKind::Ed25519 => "Private key, in one line (not shown): ",
        };
        let name = typed("API key (not shown): ").map_err(failed)?;
        (name, typed(what).map_err(failed)?)
    } else {
        piped().map_err(failed)?
    };
    mask().add(&secret);
    let document = Credential::document(&name, kind, &secret);
    document.map_err(|error| {
        Failure::from_error(Exit::Config, &error)
            .help("the first line is the exchange's name for the key, what follows is the secret")
    })
}
