//! `sandpit plugin`.

use std::{fmt::Write as _, path::Path};

use sandpit_plugin::{
    ComponentFile, Inspection, Policy, Profile, Runner as _, SignatureState, Trust,
};
use serde_json::{Value, json};

use super::{
    args::PluginCommand,
    granted::{PolicyArg, TrustArgs},
    places,
    reply::{Exit, Failure, Reply},
    terminal::Terminal,
};
use crate::{
    author::{self, AuthorError, Language},
    backtest::{self, Outcome},
    report::PluginSection,
    sandbox::{self, Loading, Sandbox, SandboxError},
};

pub(super) fn run(command: &PluginCommand, terminal: &Terminal) -> Result<Reply, Failure> {
    match command {
        PluginCommand::Walls => super::walls::run(),
        PluginCommand::New { folder, language } => new(folder, (*language).into()),
        PluginCommand::Build { folder, out } => build(folder, out.as_deref(), terminal),
        PluginCommand::Inspect { component, granted, trust } => {
            inspect(component, granted.said(), &loading(trust))
        }
        PluginCommand::Check { plugin, granted, seed, trust } => {
            check(plugin, granted.of(plugin), *seed, &loading(trust), terminal)
        }
        PluginCommand::Test { folder, seed } => test(folder, *seed, terminal),
        PluginCommand::Session(command) => super::session::run(command, terminal),
    }
}

fn loading(said: &TrustArgs) -> Loading {
    let policy = match said.policy {
        PolicyArg::Pinned => Policy::Pinned,
        PolicyArg::Signed => Policy::Signed,
        PolicyArg::Any => Policy::Any,
    };
    let trust_file = said.trust.clone();
    let mut loading = Loading { policy, trust_file, ..Loading::default() };
    places::equip(&mut loading);
    loading
}

impl From<AuthorError> for Failure {
    fn from(error: AuthorError) -> Self {
        let exit = match &error {
            AuthorError::BadName(_) => Exit::Usage,
            AuthorError::Encode { .. } => Exit::PluginRefused,
            _ => Exit::Failed,
        };
        let failure = Self::from_error(exit, &error);
        match error.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

fn new(folder: &Path, language: Language) -> Result<Reply, Failure> {
    let made = author::scaffold(folder, language)?;
    let text = format!(
        "{} is a strategy now. It is in {}.\n\nNext:\n  cd {}\n  sandpit plugin test\n  sandpit plugin build",
        made.name,
        made.folder.join(made.language.source()).display(),
        made.folder.display(),
    );
    let json = json!({
        "name": made.name,
        "language": made.language.name(),
        "folder": made.folder,
        "files": made.files,
    });
    Ok(Reply::new(text, json))
}

fn build(folder: &Path, out: Option<&Path>, terminal: &Terminal) -> Result<Reply, Failure> {
    let built = author::build(folder, out, terminal.lets_tools_speak())?;
    let file = ComponentFile::unsigned(built.bytes);
    let profile = built.language.profile();
    let (inspection, _) = look(&built.path, &file, profile, &places::loading())?;
    let text = format!(
        "{}\n  {} bytes, sha256 {}\n  imports {}\n  profile {}",
        built.path.display(),
        inspection.size_bytes,
        inspection.sha256,
        listed(&inspection.imports),
        profile.name(),
    );
    let mut json = to_json(&inspection)?;
    json["component"] = json!(built.path);
    json["language"] = json!(built.language.name());
    json["profile"] = json!(profile.name());
    Ok(Reply::new(text, json))
}

/// Where no profile is said, the smallest with which it can say what it is.
fn inspect(component: &Path, said: Option<Profile>, loading: &Loading) -> Result<Reply, Failure> {
    let file = read(component)?;
    let (profile, (inspection, trust)) = match said {
        Some(profile) => (profile, look(component, &file, profile, loading)?),
        None => match look(component, &file, Profile::Standard, loading) {
            Ok(found) => (Profile::Standard, found),
            // What is refused is refused in every profile: its first reason is the one to say.
            Err(failure) => match look(component, &file, Profile::Heavy, loading) {
                Ok(found) => (Profile::Heavy, found),
                Err(_) => return Err(failure),
            },
        },
    };
    let mut json = to_json(&inspection)?;
    json["trust"] = trust_json(&trust);
    json["profile"] = json!(profile.name());
    Ok(Reply::new(describe(&inspection, profile, &trust), json))
}

fn check(
    plugin: &Path,
    profile: Profile,
    seed: u64,
    loading: &Loading,
    terminal: &Terminal,
) -> Result<Reply, Failure> {
    if plugin.is_dir() {
        let built = author::build(plugin, None, terminal.lets_tools_speak())?;
        return judge(&built.path, &ComponentFile::unsigned(built.bytes), profile, seed, loading);
    }
    judge(plugin, &read(plugin)?, profile, seed, loading)
}

fn test(folder: &Path, seed: u64, terminal: &Terminal) -> Result<Reply, Failure> {
    author::test(folder, terminal.lets_tools_speak())?;
    let built = author::build(folder, None, terminal.lets_tools_speak())?;
    let file = ComponentFile::unsigned(built.bytes);
    let profile = built.language.profile();
    let mut reply = judge(&built.path, &file, profile, seed, &places::loading())?;
    reply.text = format!("The strategy's own tests pass.\n{}", reply.text);
    Ok(reply)
}

fn read(component: &Path) -> Result<ComponentFile, Failure> {
    sandbox::read_component(component).map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .code(error.code())
            .help("`sandpit plugin build FOLDER` makes a component of a crate")
    })
}

/// All checks and the description, without a session.
fn look(
    path: &Path,
    file: &ComponentFile,
    profile: Profile,
    loading: &Loading,
) -> Result<(Inspection, Trust), Failure> {
    let limits = profile.limits();
    let loaded = Sandbox::new(loading)
        .and_then(|sandbox| sandbox.load(&stem(path), file, &limits.clone().reproducible()))
        .map_err(|error| refused(path, error))?;
    let inspection = Inspection::new(&loaded.checked, loaded.instance.description(), &limits);
    Ok((inspection, loaded.trust))
}

fn refused(path: &Path, error: SandboxError) -> Failure {
    if let SandboxError::TrustFile(error) = error {
        return error.into();
    }
    let code = error.code();
    let error = Refused { path: path.display().to_string(), source: error };
    Failure::from_error(Exit::PluginRefused, &error)
        .code(code)
        .help("a strategy is built with `sandpit plugin build`; see docs/authors/first-strategy.md")
}

#[derive(Debug, thiserror::Error)]
#[error("component `{path}` is refused")]
struct Refused {
    path: String,
    source: SandboxError,
}

/// Checks, then a session over the synthetic market. A fault fails the check.
fn judge(
    path: &Path,
    file: &ComponentFile,
    profile: Profile,
    seed: u64,
    loading: &Loading,
) -> Result<Reply, Failure> {
    let (inspection, _) = look(path, file, profile, loading)?;
    let outcome = backtest::canary(&stem(path), file, profile, seed, loading)?;
    let Some(plugin) = outcome.report.plugins.first() else {
        return Err(Failure::new(Exit::Failed, "the session had no plugin"));
    };
    if let Some(fault) = plugin.faults.first() {
        let message =
            format!("`{}` was at fault in a synthetic market: {}", inspection.name, fault.code);
        return Err(Failure::new(Exit::PluginRefused, message).help(fault.detail.clone()));
    }
    let metrics = &plugin.scope.metrics;
    let text = format!(
        "{} {} passes: sha256 {}\n  a synthetic market of {} events: {} calls, {} orders, {} fills, {} denials, no fault",
        inspection.name,
        inspection.version,
        inspection.sha256,
        outcome.report.market.events.total(),
        plugin.resources.calls,
        metrics.orders,
        metrics.fills,
        metrics.denials,
    );
    Ok(Reply::new(text, session_json(&inspection, &outcome, plugin)?))
}

fn session_json(
    inspection: &Inspection,
    outcome: &Outcome,
    plugin: &PluginSection,
) -> Result<Value, Failure> {
    let mut json = to_json(inspection)?;
    json["session"] = json!({
        "synthetic": true,
        "events": outcome.report.market.events.total(),
        "calls": plugin.resources.calls,
        "fuel_per_call_peak": plugin.resources.fuel_max,
        "orders": plugin.scope.metrics.orders,
        "fills": plugin.scope.metrics.fills,
        "denials": plugin.scope.metrics.denials,
        "faults": plugin.faults_total,
    });
    Ok(json)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn to_json(inspection: &Inspection) -> Result<Value, Failure> {
    serde_json::to_value(inspection).map_err(|error| Failure::from_error(Exit::Failed, &error))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn signature_text(signature: &SignatureState) -> String {
    match signature {
        SignatureState::Absent => "none".to_owned(),
        SignatureState::Unreadable { reason } => format!("unreadable: {reason}"),
        SignatureState::UnknownKey { key } => format!("by key {key}, which is not trusted"),
        SignatureState::Wrong { key } => {
            format!("wrong: it names key {key} and does not match the component")
        }
        SignatureState::Valid { key, whose, comment } => {
            format!("valid, by key {key} ({whose}): {comment}")
        }
    }
}

fn trust_text(trust: &Trust) -> String {
    match (&trust.pinned, &trust.signature) {
        (Some(name), _) => format!("pinned as {name}"),
        (None, SignatureState::Valid { .. }) => "signed by a trusted key".to_owned(),
        (None, _) => "neither pinned nor signed by a trusted key".to_owned(),
    }
}

fn trust_json(trust: &Trust) -> Value {
    let signature = match &trust.signature {
        SignatureState::Absent => json!({ "state": "absent" }),
        SignatureState::Unreadable { reason } => json!({ "state": "unreadable", "reason": reason }),
        SignatureState::UnknownKey { key } => {
            json!({ "state": "unknown-key", "key": key.to_string() })
        }
        SignatureState::Wrong { key } => json!({ "state": "wrong", "key": key.to_string() }),
        SignatureState::Valid { key, whose, comment } => json!({
            "state": "valid", "key": key.to_string(), "whose": whose, "comment": comment,
        }),
    };
    let policies = Policy::ALL.iter().filter(|policy| trust.meets(**policy, "").is_ok());
    let meets: Vec<_> = policies.map(|policy| policy.name()).collect();
    json!({ "pinned": trust.pinned, "signature": signature, "meets": meets })
}

fn describe(inspection: &Inspection, profile: Profile, trust: &Trust) -> String {
    let mut text = format!("{} {}\n", inspection.name, inspection.version);
    for line in inspection.summary.lines() {
        let _ = writeln!(text, "  {line}");
    }
    let limits = &inspection.limits;
    let rows = [
        ("sha256", inspection.sha256.clone()),
        ("signed", signature_text(&trust.signature)),
        ("trust", trust_text(trust)),
        ("size", format!("{} bytes", inspection.size_bytes)),
        ("world", inspection.world.clone()),
        ("imports", listed(&inspection.imports)),
        ("exports", listed(&inspection.exports)),
        ("wants", listed(&inspection.subscriptions)),
        (
            "warm-up",
            listed(
                &inspection
                    .warm_up
                    .iter()
                    .map(|w| format!("{} {}", w.count, w.kind))
                    .collect::<Vec<_>>(),
            ),
        ),
        ("profile", profile.name().to_owned()),
        (
            "limits",
            format!(
                "memory {} MiB, fuel {} a call, {} ms a call, {} intents a call",
                limits.memory_bytes_max >> 20,
                limits.fuel_per_call_max,
                limits.call_deadline_ms,
                limits.intents_per_call_max,
            ),
        ),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<8} {value}");
    }
    if inspection.parameters.is_empty() {
        text.push_str("No parameters.\n");
        return text;
    }
    text.push_str("Parameters:\n");
    for parameter in &inspection.parameters {
        let _ = writeln!(
            text,
            "  {:<16} {} (default {})\n  {:<16} {}",
            parameter.name, parameter.accepts, parameter.default, "", parameter.summary,
        );
    }
    text
}
