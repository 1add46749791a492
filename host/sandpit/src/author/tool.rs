//! Running other programs: where what they say goes, and what their end means.

use std::{
    env, io,
    path::Path,
    process::{Command, Output, Stdio},
};

use super::AuthorError;

/// The end of a tool's output that an error shows, in bytes.
const OUTPUT_BYTES_MAX: usize = 4 * 1024;

/// Variables that a tool has no use for: keys, and what opens the doors to keys. A crate's build
/// script is as foreign as the strategy that comes of it.
const SECRET_PREFIXES: [&str; 5] = ["SANDPIT_", "VAULT_", "AWS_", "AZURE_", "GOOGLE_"];
const SECRET_WORDS: [&str; 5] = ["KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL"];
/// The tools' own, of a registry.
const TOOLS_PREFIX: &str = "CARGO_";

/// Who hears what a tool says on its error output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// The terminal, as it comes.
    Heard,
    /// Only an error, at its end.
    Silent,
}

/// Runs a tool to its end and hands back what it wrote on its output.
pub(super) fn run(command: &mut Command, voice: Voice) -> Result<Vec<u8>, AuthorError> {
    command.stdout(Stdio::piped());
    command.stderr(if voice == Voice::Heard { Stdio::inherit() } else { Stdio::piped() });
    let output = finish(command)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(command, &[&output.stderr]))
}

/// Runs a tool whose whole output is for people. Our own output belongs to the one answer of a
/// command, so what is heard goes to the error output.
pub(super) fn run_aloud(command: &mut Command, voice: Voice) -> Result<(), AuthorError> {
    match voice {
        Voice::Heard => command.stdout(io::stderr()).stderr(Stdio::inherit()),
        Voice::Silent => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
    };
    let output = finish(command)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(command, &[&output.stderr, &output.stdout]))
    }
}

fn finish(command: &mut Command) -> Result<Output, AuthorError> {
    for (name, _) in env::vars_os().filter(|(name, _)| is_secret(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    let tool = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|source| AuthorError::ToolMissing { tool, source })
}

/// Whether a variable may hold a secret, by its name.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_ours = SECRET_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let is_word = SECRET_WORDS.iter().any(|word| name.contains(word));
    is_ours || (is_word && !name.starts_with(TOOLS_PREFIX))
}

fn failed(command: &Command, outputs: &[&[u8]]) -> AuthorError {
    let tool = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let first = command.get_args().next().unwrap_or_default().to_string_lossy();
    let said: Vec<_> = outputs.iter().map(|output| String::from_utf8_lossy(output)).collect();
    let said = said.join("\n");
    let said = said.trim();
    let mut from = said.len().saturating_sub(OUTPUT_BYTES_MAX);
    while !said.is_char_boundary(from) {
        from += 1;
    }
    AuthorError::ToolFailed { command: format!("{tool} {first}"), output: said[from..].to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_told_no_secret() {
        for name in ["SANDPIT_MAIN_LIVE_SECRET", "vault_token", "AWS_PROFILE", "MY_API_KEY"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO_REGISTRY_TOKEN", "RUSTUP_HOME", "HTTPS_PROXY"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
