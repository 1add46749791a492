//! The rules of the house that a machine can hold. What cargo-deny holds is in deny.toml.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::support::{files, root, text};

/// Lines of a file, without its unit tests.
const FILE_LINES_MAX: usize = 500;
/// Lines of the command's main file.
const MAIN_LINES_MAX: usize = 30;

/// Which of our crates a crate may use. Siblings never see each other, and the SDK never sees the
/// host: a strategy is built without it.
fn allowed(package: &str) -> Option<&'static [&'static str]> {
    Some(match package {
        "sandpit-core" | "sandpit-sdk-macros" | "sandpit-admin" => &[],
        "sandpit-exchange" | "sandpit-plugin" | "sandpit-venue" | "sandpit-journal"
        | "sandpit-secrets" => &["sandpit-core"],
        // Texts of alerts pass the same mask as the log.
        "sandpit-alerts" => &["sandpit-core", "sandpit-secrets"],
        "sandpit-sdk" => &["sandpit-sdk-macros"],
        "sandpit-testing" => &["sandpit-core", "sandpit-sdk"],
        // The last three for `bench`, which runs a strategy natively beside its component.
        "sandpit" => &[
            "sandpit-core",
            "sandpit-plugin",
            "sandpit-venue",
            "sandpit-exchange",
            "sandpit-journal",
            "sandpit-secrets",
            "sandpit-alerts",
            "sandpit-admin",
            "sandpit-sdk",
            "sandpit-testing",
            "ema-cross",
        ],
        _ => return None,
    })
}

fn packages() -> Vec<Value> {
    let answer = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    assert!(answer.status.success());
    let metadata: Value = serde_json::from_slice(&answer.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap().to_owned()
}

#[test]
fn crates_see_only_what_they_may() {
    let packages = packages();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let mut problems = Vec::new();
    for package in &packages {
        let manifest = package["manifest_path"].as_str().unwrap();
        let is_strategy = Path::new(manifest).starts_with(root().join("plugins"));
        let allowed: &[&str] = match allowed(&name(package)) {
            _ if name(package) == "sandpit-tests" => continue,
            Some(allowed) if !is_strategy => allowed,
            None if is_strategy => &["sandpit-sdk"],
            _ if is_strategy => &["sandpit-sdk"],
            _ => panic!("{} is new: say what it may use", name(package)),
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = name(dependency);
            // Tests may run what they test in the harness.
            let in_tests = dependency["kind"] == "dev" && used == "sandpit-testing";
            if ours.contains(&used) && !allowed.contains(&used.as_str()) && !in_tests {
                problems.push(format!("{} uses {used}", name(package)));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_edge_is_explained() {
    let document = text(Path::new("docs/architecture.md")).unwrap();
    let mut missing = Vec::new();
    for package in packages() {
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = name(dependency);
            if !document.contains(&format!("`{used}`")) {
                missing.push(format!("{used}, used by {}", name(&package)));
            }
        }
    }
    missing.sort();
    assert!(missing.is_empty(), "docs/architecture.md does not say why: {missing:#?}");
}

fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    files().into_iter().filter(is_rust).filter_map(|path| Some((path.clone(), text(&path)?)))
}

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for (path, source) in sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || path.file_stem().is_some_and(|stem| stem == "tests");
        if is_test {
            continue;
        }
        let lines =
            source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        let max = if path.ends_with("main.rs") { MAIN_LINES_MAX } else { FILE_LINES_MAX };
        if lines > max {
            problems.push(format!("{}: {lines} lines, at most {max}", path.display()));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_module_says_what_it_is() {
    let silent: Vec<_> =
        sources().filter(|(_, source)| !source.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "no `//!` at the top of {silent:#?}");
}

#[test]
fn nothing_is_put_off_and_no_machine_is_named() {
    // In pieces, so that this file does not name them.
    let unwanted = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
    ];
    let mut problems = Vec::new();
    for path in files() {
        let Some(text) = text(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = unwanted.iter().find(|word| line.contains(**word)) {
                problems.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn no_recorded_data_and_no_secrets_are_kept() {
    let unwanted = ["gz", "tape", "wasm", "cwasm", "pem", "key"];
    let kept: Vec<_> = files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| unwanted.iter().any(|u| e == *u)))
        .collect();
    assert!(kept.is_empty(), "{kept:#?}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    for path in files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let document = text(&path).unwrap();
        for link in links(&document) {
            let target = link.split('#').next().unwrap_or_default();
            if link.contains("://") || link.starts_with("mailto:") || target.is_empty() {
                continue;
            }
            let full = root().join(path.parent().unwrap()).join(target);
            if !full.exists() {
                problems.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Targets of `[text](target)` outside code fences.
fn links(document: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut in_fence = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            if let Some((target, _)) = line[at + 2..].split_once(')') {
                links.push(target);
            }
        }
    }
    links
}

#[test]
fn links_are_found() {
    let document = "a [b](c.md) d [e](f.md#g)\n```\n[no](no.md)\n```\n";
    assert_eq!(links(document), ["c.md", "f.md#g"]);
}

/// What is compiled, with its features: every line is a package.
fn compiled(arguments: &[&str]) -> BTreeSet<String> {
    let answer = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--prefix", "none", "--format", "{p} {f}"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(answer.status.success());
    let text = String::from_utf8(answer.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

/// So that nothing is compiled twice, for the program and for its tests, and what is tested is what
/// runs.
#[test]
fn the_program_is_the_same_with_its_tests() {
    let tested = compiled(&["--workspace", "--edges", "normal,build,dev"]);
    let program = compiled(&["--package", "sandpit", "--edges", "normal,build"]);
    let others: Vec<_> = program.difference(&tested).collect();
    assert!(others.is_empty(), "say these features in the root, as of `digest`: {others:#?}");
}

#[test]
fn versions_are_said_once() {
    let mut problems = BTreeMap::new();
    for path in files().into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        // The root says them.
        if path.components().filter(|part| matches!(part, Component::Normal(_))).count() == 1 {
            continue;
        }
        let manifest: toml::Table = text(&path).unwrap().parse().unwrap();
        // A bench's guest is a workspace of its own, with a lock file of its own.
        if manifest.contains_key("workspace") {
            continue;
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(kind).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, value) in table {
                if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    problems.insert(format!("{}: {dependency}", path.display()), value.to_string());
                }
            }
        }
    }
    assert!(problems.is_empty(), "not from the workspace: {problems:#?}");
}
