//! Sessions whose orders are at the exchange: the books of both, restarts, the kill switch.

use serde_json::Value;

use super::{Exchange, Session, Stage, compared::Journaled, maker, venue};

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];

fn two_makers() -> String {
    maker("btc", "BTCUSDT", "0.1") + &maker("eth", "ETHUSDT", "0.5")
}

fn fills(session: &Session<'_>) -> usize {
    Journaled::new(&session.rows()).fills.len()
}

/// Asserts that session, journal and exchange say the same.
fn compare(stage: &Stage, exchange: &Exchange, said: &Value) -> Journaled {
    let (journaled, books) = (Journaled::new(&stage.journal()), exchange.books(&SYMBOLS));
    journaled.check(&books);
    assert_eq!(said["orders_in_doubt"], 0, "{said:#}");
    assert_eq!(said["open_orders"].as_u64(), u64::try_from(books.open().len()).ok(), "{said:#}");
    // The account's coins: what it had and what was bought less what was sold, fees in coins apart.
    for (instrument, symbol) in (0u16..).zip(SYMBOLS) {
        let asset = symbol.trim_end_matches("USDT");
        let had = if asset == "BTC" { 100 } else { 1_000 };
        let traded = journaled.held.get(&instrument).copied().unwrap_or_default();
        let now = books.balances[asset];
        let off = rust_decimal::Decimal::from(had) + traded - now;
        let fees_max = rust_decimal::Decimal::new(1, 1);
        assert!(!off.is_sign_negative() && off < fees_max, "{asset}: {now} there, {off} off");
    }
    journaled
}

#[test]
fn two_plugins_trade_at_the_exchange_and_a_restart_goes_on_with_the_same_books() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 20);
    stage.configure(&venue(&SYMBOLS, &exchange.address, "testnet"), &two_makers());

    let mut session = Session::start(&stage, "testnet", &[]);
    session.wait_until("executions of both", |session| {
        let held = Journaled::new(&session.rows()).held;
        (held.len() == 2).then_some(())
    });
    let status = session.ask(&["status"]).ends(0).json();
    assert_eq!(status["mode"], "testnet");
    assert_eq!(status["line"]["orders"], true, "{status:#}");
    // Orders stay, where nothing else is said.
    let said = session.end();
    let first = Journaled::new(&stage.journal());
    first.check_left(&exchange.books(&SYMBOLS));
    assert_eq!(said["orders_in_doubt"], 0, "{said:#}");
    assert!(said["open_orders"].as_u64() > Some(0), "{said:#}");

    // It goes on, with what happened meanwhile.
    let mut session = Session::start(&stage, "testnet", &["--on-stop", "cancel"]);
    let more = first.fills.len() + 3;
    session.wait_until("more executions", |session| (fills(session) > more).then_some(()));
    let said = session.end();
    let second = compare(&stage, &exchange, &said);
    assert!(first.orders.is_subset(&second.orders) && first.fills.is_subset(&second.fills));
    assert_eq!(said["open_orders"], 0, "canceled as it ended: {said:#}");
    assert!(exchange.books(&SYMBOLS).open().is_empty());

    for plugin in ["btc", "eth"] {
        let counts = stage.replay(plugin);
        assert!(counts["again"].as_u64() > Some(10), "{counts:#}");
        assert_eq!(counts["runs"], 2, "{counts:#}");
    }
}

#[test]
fn a_session_that_is_killed_finds_out_what_became_of_its_orders() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 20);
    stage.configure(&venue(&SYMBOLS, &exchange.address, "testnet"), &two_makers());
    let mut known = 0;
    for _ in 0..3 {
        let mut session = Session::start(&stage, "testnet", &[]);
        session.wait_until("executions", |session| (fills(session) > known + 2).then_some(()));
        known = fills(&session);
        session.kill();
    }
    let said = Session::start(&stage, "testnet", &["--on-stop", "cancel"]).end();
    let journaled = compare(&stage, &exchange, &said);
    assert!(journaled.fills.len() >= known);
    assert_eq!(said["open_orders"], 0, "{said:#}");
}

#[test]
fn the_kill_switch_ends_every_order_and_stays_pulled() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 20);
    stage.configure(&venue(&SYMBOLS, &exchange.address, "testnet"), &two_makers());
    let mut session = Session::start(&stage, "testnet", &[]);
    session.wait_for("orders", |list| list["session"]["open_orders"].as_u64() > Some(2));
    assert!(!exchange.books(&SYMBOLS).open().is_empty());
    session.ask(&["kill"]).ends(0);
    session.wait_for("that nothing is open", |list| {
        list["session"]["open_orders"] == 0 && list["session"]["trading_state"] == "halted"
    });
    assert!(exchange.books(&SYMBOLS).open().is_empty(), "open at the exchange after a kill");
    let said = session.end();
    let before = compare(&stage, &exchange, &said);

    // The next session finds it pulled, and sends nothing until a person says so.
    let session = Session::start(&stage, "testnet", &[]);
    let list = session.ask(&["plugin", "list"]).ends(0).json();
    assert_eq!(list["session"]["locks"][0]["reason"], "kill-switch", "{list:#}");
    let said = session.end();
    let after = compare(&stage, &exchange, &said);
    assert_eq!(after.orders, before.orders, "an order was sent while the switch was pulled");

    let words = ["--unlock", "account:kill-switch", "--by", "anna", "--on-stop", "cancel"];
    let mut session = Session::start(&stage, "testnet", &words);
    let had = before.orders.len();
    session.wait_until("an order", |session| {
        (Journaled::new(&session.rows()).orders.len() > had).then_some(())
    });
    compare(&stage, &exchange, &session.end());
}

#[test]
fn what_somebody_else_does_with_the_account_is_seen_and_never_taken_for_ours() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 5);
    stage.configure(
        &venue(&["BTCUSDT"], &exchange.address, "testnet"),
        &maker("btc", "BTCUSDT", "0.1"),
    );
    let params = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=40000&newClientOrderId=byhand";
    exchange.signed("POST", "/api/v3/order", params);
    let mut session = Session::start(&stage, "testnet", &["--on-stop", "cancel"]);
    session.wait_for("orders", |list| list["session"]["open_orders"].as_u64() == Some(2));
    session.end();
    let books = exchange.books(&["BTCUSDT"]);
    assert_eq!(
        books.open().into_iter().collect::<Vec<_>>(),
        ["byhand"],
        "ours are over, theirs is not"
    );
    let journaled = Journaled::new(&stage.journal());
    assert!(!journaled.orders.contains("byhand"));
    assert_eq!(books.orders.len(), journaled.orders.len() + 1);
}

#[test]
fn a_line_that_is_cut_is_taken_up_again_and_the_books_stay_the_same() {
    let stage = Stage::new();
    let exchange = Exchange::start(stage.path(), 20);
    stage.configure(&venue(&SYMBOLS, &exchange.address, "testnet"), &two_makers());
    let mut session = Session::start(&stage, "testnet", &["--on-stop", "cancel"]);
    for (what, params) in
        [("disconnect", "silent=true"), ("disconnect", "silent=false"), ("terminate", "")]
    {
        let had = fills(&session);
        session.wait_until("an execution", |session| (fills(session) > had).then_some(()));
        let orders = Journaled::new(&session.rows()).orders.len();
        exchange.control(what, params);
        session.wait_until("orders after that", |session| {
            (Journaled::new(&session.rows()).orders.len() > orders + 1).then_some(())
        });
    }
    compare(&stage, &exchange, &session.end());
}
