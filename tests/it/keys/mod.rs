//! Keys of sessions as processes: they are changed under load, refused where they must be, checked,
//! searched for, and never seen anywhere.

mod canary;
mod far;
mod rotation;
mod secrets;
mod separation;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use sandpit_journal::journal::{Entry, HostRecord, Row};

use super::live::{
    Session, Stage,
    exchange::{Exchange, secret},
    variable,
};

/// A key that only looks, with which the tests look at the account.
const LOOKS: &str = "hostkeythatlooks";

/// The exchange of these tests: two accounts, limits that are in nobody's way, keys that come and go.
fn description(keys: &[(&str, &str)]) -> String {
    let key = |name: &str, more: &str| {
        let secret = secret(name);
        format!(
            "[[account.key]]\napi_key = \"{name}\"\nhmac_secret = \"{secret}\"\n\
             ip_restricted = true\n{more}\n"
        )
    };
    let own: String = keys.iter().map(|(name, more)| key(name, more)).collect();
    // What the made-up market has.
    let symbol = |base: &str, tick: &str, step: &str, price: &str| {
        format!(
            "[[symbol]]\nname = \"{base}USDT\"\nbase = \"{base}\"\nquote = \"USDT\"\n\
             price_tick = \"{tick}\"\nquantity_step = \"{step}\"\nquantity_min = \"{step}\"\n\
             quantity_max = \"1000\"\nnotional_min = \"5\"\norders_max = 2000\n\
             history = {{ minutes = 600, price = \"{price}\", seed = 3 }}\n"
        )
    };
    [
        "control = true\n[limits]\nweight_per_minute_max = 10000000\n\
         requests_per_5_minutes_max = 10000000\norders_per_10_seconds_max = 1000000\n\
         orders_per_day_max = 100000000\nconnections_per_5_minutes_max = 10000\n"
            .to_owned(),
        symbol("BTC", "0.1", "0.001", "60000"),
        symbol("ETH", "0.01", "0.01", "3000"),
        "[[account]]\nname = \"host\"\nbalances = { BTC = \"100\", USDT = \"10000000\" }\n"
            .to_owned(),
        own,
        key(LOOKS, "trading = false"),
        "[[account]]\nname = \"somebody\"\nbalances = { USDT = \"1000\" }\n".to_owned(),
        key("somebodyskey", ""),
    ]
    .concat()
}

fn start(stage: &Stage, keys: &[(&str, &str)]) -> Exchange {
    Exchange::start_as(stage.path(), (5, "127.0.0.1:0"), &description(keys), LOOKS)
}

/// One key more at the exchange.
fn add(exchange: &Exchange, account: &str, key: &str, more: &str) {
    let secret = secret(key);
    let params =
        format!("account={account}&apiKey={key}&hmacSecret={secret}&ipRestricted=true{more}");
    exchange.control("key/add", &params);
}

/// Puts a key where the session looks for it.
fn put(folder: &Path, key: &str, secret: &str) {
    let (name, value) = (variable("testnet", "API_KEY"), variable("testnet", "SECRET"));
    let path = folder.join(".env.new");
    fs::write(&path, format!("{name}={key}\n{value}={secret}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    // In one step, so that a session never sees half of it.
    fs::rename(path, folder.join(".env")).unwrap();
}

/// Starts a session whose key is in `.env`, and waits until its plugins run.
fn trade(stage: &Stage) -> Session<'_> {
    let mut session = Session::spawn(stage, "testnet", None, &["--on-stop", "cancel"]);
    session.wait_for("that every plugin runs", |list| {
        let plugins = list["plugins"].as_array().unwrap();
        !plugins.is_empty() && plugins.iter().all(|it| it["state"]["name"] == "running")
    });
    session
}

/// What the host wrote down for people.
fn notes(rows: &[Row]) -> Vec<&str> {
    rows.iter()
        .filter_map(|row| match &row.entry {
            Entry::Host(HostRecord::Note(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}
