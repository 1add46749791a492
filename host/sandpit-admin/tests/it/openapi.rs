//! The description of the interface against its answers: every route that is described is there,
//! answers as described, and there is none beside.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::Served;

const DOCUMENT: &str = include_str!("../../openapi.json");

pub fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// What is described: method, path, and the description.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods
                .iter()
                .map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
        })
        .collect()
}

/// Paths with something in the place of `{…}`.
pub fn concrete(path: &str) -> String {
    let plugin = if path.ends_with("/release") { "runaway" } else { "ema" };
    path.replace("{plugin}", plugin).replace("{alert}", "41")
}

/// A body that is taken.
pub fn body(path: &str) -> Option<&'static str> {
    match path.rsplit('/').next().unwrap() {
        "parameters" => Some("{\"parameters\":{\"fast\":\"12\"}}"),
        "swap" => Some("{\"component\":\"/srv/ema.wasm\"}"),
        "unlock" => Some("{\"reason\":\"kill-switch\"}"),
        _ => Some("{}"),
    }
}

fn check(document: &Value, schema: &Value, answer: &Value, what: &str) {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&whole).unwrap();
    let problems: Vec<_> = validator
        .iter_errors(answer)
        .map(|it| format!("{} at {}", it, it.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {problems:#?}\n{answer:#}");
}

#[test]
fn every_answer_is_as_described() {
    let served = Served::begin();
    let document = document();
    let mut checked = 0;
    for (method, path, operation) in operations(&document) {
        if path == "/api/v1/events" {
            continue;
        }
        let sent = (method == "POST").then(|| body(&path)).flatten();
        let reply = served.ask(&served.operator, &method, &concrete(&path), sent);
        let described = &operation["responses"][reply.status.to_string()];
        let what = format!("{method} {path}: {}", reply.status);
        assert!(described.is_object(), "{what} is not described: {}", reply.body);
        let kind = reply.header("content-type").unwrap();
        let schema = &described["content"][kind]["schema"];
        assert!(schema.is_object(), "{what}: {kind} is not described");
        if kind == "application/json" {
            check(&document, schema, &reply.json(), &what);
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
    // Refusals, too.
    for (method, path, operation) in operations(&document) {
        if operation["security"] == json!([]) {
            continue;
        }
        let reply = served.say(&method, &concrete(&path), &[], (method == "POST").then_some("{}"));
        let what = format!("{method} {path} without a token");
        assert_eq!(reply.status, 401, "{what}");
        let schema = &operation["responses"]["401"]["content"]["application/json"]["schema"];
        check(&document, schema, &reply.json(), &what);
    }
}

#[test]
fn nothing_is_there_that_is_not_described() {
    let routes = include_str!("../../src/http/route.rs");
    let table = routes.split("const ROUTES").nth(1).unwrap().split("];\n\n").next().unwrap();
    let mut there = BTreeSet::new();
    for (word, method) in [("open(", "GET"), ("look(", "GET"), ("act(", "POST")] {
        for route in table.split(word).skip(1) {
            there.insert(format!("{method} {}", route.split('"').nth(1).unwrap()));
        }
    }
    let described: BTreeSet<_> = operations(&document())
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert!(there.len() > 35, "{there:?}");
    assert_eq!(there, described);
}

#[test]
fn a_page_of_the_journal_leads_to_the_next() {
    let served = Served::begin();
    let get = |query: &str| {
        served.ask(&served.viewer, "GET", &format!("/api/v1/journal?{query}"), None).json()
    };
    let newest = get("limit=2");
    let next = newest["next"].as_u64().unwrap();
    assert_eq!(newest["rows"][1]["seq"], next);
    let before = get(&format!("limit=2&before={next}"));
    assert_eq!(before["rows"][0]["seq"], next - 1);
    let after = get("after=0&limit=3&kind=filled&kind=denied&plugin=ema&order=sp-1-0-1");
    assert_eq!(after["rows"][0]["seq"], 1);
    for wrong in ["limit=0", "limit=501", "after=x", "after=1&before=2", "limit=1&limit=2", "x=1"] {
        let target = format!("/api/v1/journal?{wrong}");
        assert_eq!(served.ask(&served.viewer, "GET", &target, None).status, 400, "{wrong}");
    }
}

#[test]
fn commands_reach_the_session_with_who_asks() {
    let served = Served::begin();
    let post = |path: &str, body: &str| served.ask(&served.operator, "POST", path, Some(body));
    assert_eq!(post("/api/v1/kill", "{\"flatten\":true}").status, 200);
    let status = served.ask(&served.viewer, "GET", "/api/v1/status", None).json();
    assert_eq!(status["trading_state"], "halted");
    assert_eq!(post("/api/v1/risk/unlock", "{\"reason\":\"kill-switch\"}").status, 200);
    assert_eq!(post("/api/v1/risk/unlock", "{\"reason\":\"kill-switch\"}").status, 409);
    assert_eq!(post("/api/v1/reduce", "{\"plugin\":\"ema\"}").status, 200);
    assert_eq!(post("/api/v1/reduce", "{\"plugin\":\"nobody\"}").status, 404);
    assert_eq!(
        post("/api/v1/plugins/ema/parameters", "{\"parameters\":{\"fast\":\"9\"}}").status,
        200
    );
    let lines = served.session.world.lock().unwrap().lines.clone();
    assert_eq!(
        lines,
        [
            "ada (operator): kill --flatten",
            "ada (operator): unlock kill-switch",
            "ada (operator): unlock kill-switch",
            "ada (operator): trading ema reducing",
            "ada (operator): set ema fast=9",
        ]
    );
    for wrong in ["[]", "{\"plugin\":7}", "{\"plugins\":\"ema\"}", "{", "{\"plugin\":\"A b\"}"] {
        assert_eq!(post("/api/v1/halt", wrong).status, 400, "{wrong}");
    }
}

#[test]
fn metrics_have_their_form() {
    let served = Served::begin();
    let text = served.ask(&served.viewer, "GET", "/metrics", None).body;
    let mut families = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()), "{name} twice");
            let is_total = name.ends_with("_total");
            assert_eq!(is_total, kind == "counter", "{name} is a {kind}");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap().trim_end_matches("_count");
            let known = families.contains(name) || families.contains(&format!("{name}_count"));
            assert!(known, "{series} has no type");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(series.starts_with("sandpit_"), "{series}");
        }
    }
    for wanted in [
        "sandpit_equity{plugin=\"\",currency=\"USDT\"} ",
        "sandpit_trading_state{plugin=\"\",state=\"active\"} 1",
        "sandpit_plugin_call_seconds{plugin=\"ema\",quantile=\"0.5\"} 0.000021400",
        "sandpit_plugin_state{plugin=\"runaway\",state=\"quarantined\"} 1",
        "sandpit_http_requests_total ",
        "sandpit_venue_limit_used{kind=\"orders\",seconds=\"10\"} 12",
        "sandpit_venue_clock_offset_seconds 0.003412000",
        "# TYPE sandpit_venue_requests_total counter",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn what_is_deployed_asks_for_metrics_that_there_are() {
    let served = Served::begin();
    let text = served.ask(&served.viewer, "GET", "/metrics", None).body;
    let families: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for deployed in [
        include_str!("../../../../deploy/prometheus/sandpit.rules.yml"),
        include_str!("../../../../deploy/grafana/sandpit.json"),
    ] {
        let mut count = 0;
        for (at, _) in deployed.match_indices("sandpit_") {
            let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
            let name = deployed[at..].split(|c| !is_part(c)).next().unwrap();
            assert!(families.contains(name), "{name}");
            count += 1;
        }
        assert!(count > 8, "{count}");
    }
}
