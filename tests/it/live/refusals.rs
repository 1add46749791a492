//! Sessions that do not begin, and what they wait for: each says why, how it ends is known, and there
//! is one block of help.

use std::{fs, net::TcpListener, process::Stdio};

use super::{
    Exchange, Session, Stage,
    exchange::{READS, TRADES, TRADES_LIVE, WITHDRAWS},
    hosts, maker, market_maker, run, venue,
};

/// Ends of the command.
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const CONFIG: i32 = 3;

fn plugin() -> String {
    maker("btc", "BTCUSDT", "0.1")
}

fn says(error: &serde_json::Value, words: &[&str]) {
    let text = format!("{} {}", error["message"], error["causes"]);
    for word in words {
        assert!(text.contains(word), "`{word}` is not in {error:#}");
    }
}

/// Limits without which no money is traded.
const LOSS: &str = "daily_loss = { amount = \"1000\" }\n";
const POSITION: &str = "position_notional_max = \"100000\"\n";

/// A live session needs components that an operator trusts.
fn trust(stage: &Stage) -> String {
    let component = market_maker().to_str().unwrap();
    if !stage.path().join("trust.toml").exists() {
        run(stage.path(), &["trust", "add", "--pin", component, "--file", "trust.toml"]).ends(0);
    }
    "[trust]\npolicy = \"pinned\"\nfile = \"trust.toml\"\n".to_owned()
}

#[test]
fn money_needs_a_word_and_two_limits() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 1);
    let trust = trust(&stage);
    let configure = |limits: &str| {
        let rest = format!("[account]\n{limits}{trust}{}", plugin());
        stage.configure(&venue(&["BTCUSDT"], &exchange.address, "live"), &rest);
    };
    configure(&format!("{LOSS}{POSITION}"));
    says(&stage.refused("live", Some(TRADES_LIVE), &[], USAGE), &["money"]);
    configure(POSITION);
    says(&stage.refused("live", Some(TRADES_LIVE), &["--real-money"], CONFIG), &["lost in a day"]);
    configure(LOSS);
    says(&stage.refused("live", Some(TRADES_LIVE), &["--real-money"], CONFIG), &["position"]);
    // With all of it, it begins.
    configure(&format!("{LOSS}{POSITION}"));
    let mut session =
        Session::spawn(&stage, "live", Some(TRADES_LIVE), &["--real-money", "--on-stop", "cancel"]);
    session.wait_for("an order", |list| list["session"]["open_orders"].as_u64() > Some(0));
    session.end();
    assert!(exchange.books(&["BTCUSDT"]).open().is_empty());
}

#[test]
fn a_key_that_can_do_too_much_or_too_little_is_refused() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 1);
    let rest = format!("[account]\n{LOSS}{POSITION}{}{}", trust(&stage), plugin());
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "live"), &rest);
    for (key, word) in [(WITHDRAWS, "withdraw"), (READS, "trade")] {
        says(&stage.refused("live", Some(key), &["--real-money"], FAILED), &["key", word]);
    }
    assert!(exchange.books(&["BTCUSDT"]).orders.is_empty());
}

#[test]
fn orders_need_a_key_and_the_right_one() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 1);
    // None is named.
    let without = format!("symbols = [\"BTCUSDT\"]\n{}", hosts(&exchange.address));
    stage.configure(&without, &plugin());
    says(&stage.refused("testnet", Some(TRADES), &[], CONFIG), &["key"]);
    // None is there.
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &plugin());
    says(&stage.refused("testnet", None, &[], CONFIG), &["SANDPIT_MAIN_TESTNET_API_KEY"]);
    // It is for something else.
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "live"), &plugin());
    says(&stage.refused("testnet", Some(TRADES), &[], CONFIG), &["testnet", "live"]);
    // The exchange does not know it.
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &plugin());
    let error = stage.refused("testnet", Some("nobodyskey"), &[], FAILED);
    says(&error, &["key"]);
    // It is known, and the secret is not its own.
    let mut command = stage.command("testnet", Some(TRADES), &[]);
    command.env("SANDPIT_MAIN_TESTNET_SECRET", "notitssecret");
    let shown = stage.ended(command).ends(FAILED);
    assert!(shown.errors.contains("ignature"), "{shown:#?}");
    assert!(!shown.errors.contains("notitssecret"), "{shown:#?}");
}

#[test]
fn a_symbol_has_to_be_there() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 1);
    stage.configure(&venue(&["BTCUSDT", "NOSUCHUSDT"], &exchange.address, "paper"), &plugin());
    says(&stage.refused("paper", None, &[], FAILED), &["symbol"]);
}

#[test]
fn nothing_goes_in_the_clear_to_another_machine() {
    let stage = Stage::new();
    // An address of documents, which no machine has.
    stage.configure(&venue(&["BTCUSDT"], "192.0.2.1:80", "testnet"), &plugin());
    let error = stage.refused("testnet", Some(TRADES), &[], CONFIG);
    says(&error, &["192.0.2.1"]);
}

#[test]
fn a_run_needs_an_exchange() {
    let stage = Stage::new();
    fs::write(stage.path().join("run.toml"), format!("version = 1\n{}", plugin())).unwrap();
    let error = stage.refused("paper", None, &[], CONFIG);
    assert!(error.to_string().contains("[venue]"), "{error:#}");
}

#[test]
fn an_exchange_that_is_not_there_is_waited_for_until_somebody_ends_that() {
    let stage = Stage::new();
    // A port that nobody listens at, and that nobody else takes.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    drop(held);
    stage.configure(&venue(&["BTCUSDT"], &address, "paper"), &plugin());
    // For people: what it waits for is said as it goes.
    let said = fs::File::create(stage.path().join("said")).unwrap();
    let process = stage.command("paper", None, &[]).stdout(Stdio::piped()).stderr(said).spawn();
    let mut session = Session { stage: &stage, process: Some(process.unwrap()) };
    session.wait_until("a word of what it waits for", |session| {
        session.said().contains("wait").then_some(())
    });
    session.signal(rustix::process::Signal::INT);
    let ended = session.process.take().unwrap().wait_with_output().unwrap();
    let ended = crate::support::Run::from(ended).ends(0);
    assert!(ended.output.contains("nothing was done"), "{ended:#?}");
    assert!(stage.tapes_or_none().is_empty(), "a tape of a market that was never there");
}

#[test]
fn whoever_asks_is_told_what_a_session_waits_for() {
    let stage = Stage::new();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    drop(held);
    stage.configure(&venue(&["BTCUSDT"], &address, "paper"), &plugin());
    let mut session = Session::spawn(&stage, "paper", None, &[]);
    // Before it knows what there is to trade it says what it waits for, and takes no command.
    let early = session.wait_until("a status that says it", |session| {
        let status = session.ask(&["status"]);
        (status.exit == Some(0)).then(|| status.json())
    });
    assert_eq!(early["trading_state"], "opening", "{early:#}");
    assert!(early["line"]["waiting"].as_str().unwrap().contains("waiting for"), "{early:#}");
    let refused = session.ask(&["kill"]).ends(FAILED);
    assert!(refused.output.contains("not open yet"), "{refused:#?}");
    // Once the exchange is there, the same session begins.
    let exchange = Exchange::start_at(stage.path(), 5, &address);
    session.wait_for("that it runs", |list| list["plugins"][0]["state"]["name"] == "running");
    drop(exchange);
    // And where it goes away again, that is said, too.
    let lost = session.wait_until("a status that says that the markets are down", |session| {
        let status = session.ask(&["status"]).ends(0).json();
        (status["line"]["markets"] == false).then_some(status)
    });
    assert!(lost["line"]["waiting"].is_string(), "{lost:#}");
    session.end();
}
