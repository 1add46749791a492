//! `sandpit secrets scan`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use sandpit_secrets::{
    Care, Source as _,
    scan::{AllowList, Finding, ScanError, ScanLimits, ScanReport, Scanner},
};
use serde_json::{Value, json};

use super::{
    super::reply::{Exit, Failure, Reply},
    ScanArgs,
};
use crate::{
    config::{self, Overrides, PluginSource, RunConfig},
    keys::{Place, mask},
};

pub(super) fn run(arguments: &ScanArgs) -> Result<Reply, Failure> {
    let roots = match arguments.paths.as_slice() {
        [] => vec![PathBuf::from(".")],
        paths => paths.to_vec(),
    };
    let overrides = Overrides { on_exchange: true, ..Overrides::default() };
    let file = arguments.config.as_ref();
    let config = file.map(|file| config::load(file, &overrides)).transpose()?;
    let mut notes = Vec::new();
    if let Some(config) = &config {
        learn(config, &mut notes);
    }
    let allow =
        roots.first().map_or_else(|| Ok(AllowList::default()), |root| AllowList::of_tree(root));
    let mut scanner = Scanner::new(allow?, ScanLimits::default()).with_known(mask().clone());
    for root in &roots {
        scanner.tree(root)?;
        if arguments.no_history {
            continue;
        }
        match is_repository(root) {
            true => scanner.history(root)?,
            false => notes.push(format!("`{}` is in no git repository", root.display())),
        }
    }
    if let (Some(config), Some(file)) = (&config, file) {
        scanner.files(file)?;
        for plugin in &config.plugins {
            match &plugin.source {
                PluginSource::Component(path) => scanner.files(path)?,
                PluginSource::Crate(path) => scanner.tree(path)?,
            }
        }
        if let Some(state) = config.paper.state.as_ref().filter(|state| state.exists()) {
            scanner.files(state)?;
        }
    }
    for path in &arguments.logs {
        scanner.files(path)?;
    }
    Ok(reply(&scanner.finish(), &notes))
}

/// Has the scanner know the configuration's own keys. One that cannot be had is said, and is not
/// looked for.
fn learn(config: &RunConfig, notes: &mut Vec<String>) {
    let trade = config.venue.as_ref().and_then(|venue| venue.key.as_ref());
    let keys = [("venue.key", trade), ("keys.read", config.keys.read.as_ref())];
    for (key, uri) in keys {
        let Some(uri) = uri else { continue };
        let known = Place::parse(key, uri, Care::Warn)
            .map_err(|error| error.to_string())
            .and_then(|place| place.source().map_err(|error| error.to_string()))
            .and_then(|mut source| source.fetch().map_err(|error| error.to_string()));
        if let Err(why) = known {
            notes.push(format!("`{key}` is not looked for by its value: {why}"));
        }
    }
}

fn is_repository(root: &Path) -> bool {
    root.canonicalize()
        .is_ok_and(|root| root.ancestors().any(|folder| folder.join(".git").exists()))
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let exit = match &error {
            ScanError::Allow { .. } => Exit::Config,
            ScanError::Io { .. } | ScanError::Git { .. } => Exit::Failed,
        };
        Self::from_error(exit, &error)
    }
}

fn reply(report: &ScanReport, notes: &[String]) -> Reply {
    let mut text = String::new();
    for finding in &report.findings {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{finding}");
    }
    if report.more > 0 {
        let _ = writeln!(text, "and {} more", report.more);
    }
    if let Some(bound) = report.ended_by {
        let _ = writeln!(text, "not everything was looked through: {bound}");
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    let found = report.findings.len() as u64 + report.more;
    let word = if found == 1 { "finding" } else { "findings" };
    let _ = write!(
        text,
        "{found} {word} in {} files and {} objects of git's history ({} bytes); {} allowed, {} not \
         looked through",
        report.files, report.objects, report.bytes, report.allowed, report.skipped_count
    );
    let exit = if report.is_clean() { Exit::Done } else { Exit::SecretsFound };
    let json = json!({
        "clean": report.is_clean(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "more": report.more,
        "files": report.files,
        "objects": report.objects,
        "bytes": report.bytes,
        "allowed": report.allowed,
        "skipped": report.skipped_count,
        "unused_entries": report.unused.len(),
        "ended_by": report.ended_by.map(|bound| bound.to_string()),
        "notes": notes,
    });
    Reply::new(text, json).ending(exit)
}

fn finding(finding: &Finding) -> Value {
    json!({
        "path": finding.place.path,
        "object": finding.place.object,
        "line": finding.line,
        "rule": finding.rule.code(),
        "about": finding.rule.about(),
        "fingerprint": finding.fingerprint.to_string(),
        "bytes": finding.length_bytes,
        "times": finding.times,
    })
}
