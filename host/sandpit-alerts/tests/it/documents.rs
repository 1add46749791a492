//! `docs/operators/alerts.md` says what the program knows.

use std::{fs, path::Path};

use sandpit_alerts::{AlertsConfig, Rule, rules::RulesConfig};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/alerts.md");
    fs::read_to_string(path).unwrap()
}

/// Every threshold with its default, and every rule.
#[test]
fn every_threshold_is_said_with_its_default() {
    let document = document();
    let table = toml::Table::try_from(RulesConfig::default()).unwrap();
    let mut missing = Vec::new();
    for (section, values) in &table {
        for (key, value) in values.as_table().unwrap() {
            if key == "enabled" {
                continue;
            }
            let value = value.to_string().replace('"', "");
            let line = format!("| `{section}` | `{key}` | {value} |");
            if !document.contains(&line) {
                missing.push(line);
            }
        }
        let name = section.replace('_', "-");
        assert!(Rule::ALL.iter().any(|rule| rule.name() == name), "{name}");
    }
    for rule in Rule::ALL {
        let line = format!("| `{}` | {} |", rule.name(), rule.about());
        if !document.contains(&line) {
            missing.push(line);
        }
    }
    assert!(missing.is_empty(), "docs/operators/alerts.md has not:\n{}", missing.join("\n"));
}

/// Every example is one.
#[test]
fn examples_can_be_read() {
    let document = document();
    let mut examples = 0;
    for fence in document.split("```toml\n").skip(1) {
        let text = fence.split("```").next().unwrap();
        let table: toml::Table = text.parse().unwrap();
        let config: AlertsConfig = table["alerts"].clone().try_into().unwrap();
        config.check().unwrap();
        examples += 1;
    }
    assert!(examples >= 3);
}
