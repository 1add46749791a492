//! The last net under what this process prints, and what is done about its memory before the first
//! key is read.

use std::sync::OnceLock;

use sandpit_secrets::{Environment, EnvironmentError, Mask, guard_process};

/// Variables that hold what opens the door to a secret manager, or a key itself.
const DOORS: [&str; 9] = [
    "VAULT_TOKEN",
    "VAULT_SECRET_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "IDENTITY_HEADER",
];

/// The net of this process. Everything that is logged or printed goes through it.
#[must_use]
pub fn mask() -> &'static Mask {
    static MASK: OnceLock<Mask> = OnceLock::new();
    MASK.get_or_init(Mask::default)
}

/// Has the net know what opens doors.
pub(super) fn know_doors(environment: &Environment) -> Result<(), EnvironmentError> {
    let variables = environment.load()?;
    for name in DOORS {
        if let Some(value) = variables.get(name)? {
            mask().add(&value);
        }
    }
    Ok(())
}

/// Keeps the memory of this process out of core dumps and away from others. To be called before
/// anything else; where it fails, `doctor` says so.
pub fn protect_process() {
    // Whoever wants to know whether it stands asks the kernel.
    let _ = guard_process();
}
