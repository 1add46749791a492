//! Answers and what they prove.

use sandpit_core::time::UnixNanos;

use super::*;
use crate::binance::response::{CancelReplaceAnswer, Frame, OrderAnswer, ServerTime};

const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

fn show<T: std::fmt::Debug>(outcome: &Outcome<T>) -> String {
    let wait = |until: &UnixNanos| until.since(NOW).0 / 1_000_000_000;
    match outcome {
        Outcome::Confirmed(_) => "confirmed".to_owned(),
        Outcome::Rejected(r) => format!("rejected {} {:?} {:?}", r.code, r.class, r.reason),
        Outcome::Unknown(cause) => format!("unknown: {cause}"),
        Outcome::RateLimited { until, orders_only: false } => format!("limited {} s", wait(until)),
        Outcome::RateLimited { until, .. } => format!("orders limited {} s", wait(until)),
        Outcome::Banned { until } => format!("banned {} s", wait(until)),
    }
}

fn rest(status: u16, body: &str, retry_after: Option<&str>) -> String {
    let reply = Reply { status, body: body.as_bytes(), retry_after };
    show(&judge::<ServerTime>(&reply, NOW))
}

fn check(status: u16, body: &str, expected: &str) {
    assert_eq!(rest(status, body, None), expected, "{status} {body}");
}

#[test]
fn only_the_venues_word_ends_a_doubt() {
    check(200, r#"{"serverTime":1}"#, "confirmed");
    check(200, "<html>", "unknown: the venue's answer cannot be read");
    check(200, "", "unknown: the venue's answer cannot be read");
    let error = |code: i32| format!(r#"{{"code":{code},"msg":"m"}}"#);
    for code in [-1000, -1001, -1006, -1007, -1008, -1016] {
        check(400, &error(code), &format!("unknown: the venue answered {code}: m"));
    }
    // Whatever the body says.
    for code in [-1000, -1003, -1008, -2010, -2013] {
        for status in [500, 502, 503, 504, 599] {
            let expected = format!("unknown: the venue answered with status {status}");
            check(status, &error(code), &expected);
            check(status, "<html>", &expected);
        }
    }
    for status in [101, 302, 400, 404, 407, 408, 451] {
        check(status, "<html>", &format!("unknown: the venue answered with status {status}"));
    }
    check(400, &error(-2013), "rejected -2013 NotFound None");
    check(400, &error(-1021), "rejected -1021 ClockSkew None");
    check(401, &error(-2015), "rejected -2015 KeyProblem None");
    check(400, &error(-9999), "rejected -9999 Rejected None");
    check(451, r#"{"code":0,"msg":"restricted location"}"#, "rejected 0 Rejected None");
}

#[test]
fn refusals_are_read() {
    let refused = |code: i32, message: &str| {
        let body = format!(r#"{{"code":{code},"msg":"{message}"}}"#);
        let reply = Reply { status: 400, body: body.as_bytes(), retry_after: None };
        match judge::<OrderAnswer<'_>>(&reply, NOW) {
            Outcome::Rejected(rejection) => rejection,
            other => panic!("{other:?}"),
        }
    };
    let duplicate = refused(-2010, "Duplicate order sent.");
    assert!(duplicate.proves_open_order());
    assert!(!refused(-2010, "Market is closed.").proves_open_order());
    assert!(!refused(-1013, "Duplicate order sent.").proves_open_order());
    assert!(refused(-2011, "Unknown order sent.").says_no_such_order());
    assert!(refused(-2013, "Order does not exist.").says_no_such_order());
    assert!(!refused(-2026, "archived").says_no_such_order());
    assert!(refused(-2026, "archived").is_archived());
    let filter = refused(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE");
    assert_eq!(
        filter.reason,
        Some(Reason::Filter(crate::binance::filters::FilterKind::PercentPriceBySide))
    );
    assert_eq!(
        refused(-2010, "Order would immediately match and take").reason,
        Some(Reason::WouldTake)
    );
    let long = refused(-2010, &"x".repeat(5_000));
    assert_eq!((long.message.len(), long.reason), (256, None));
}

#[test]
fn waits_are_read() {
    let limited = r#"{"code":-1003,"msg":"Too much request weight used"}"#;
    assert_eq!(rest(429, limited, Some("7")), "limited 7 s");
    assert_eq!(rest(429, limited, None), "limited 60 s");
    assert_eq!(rest(429, "<html>", Some("soon")), "limited 60 s");
    assert_eq!(rest(418, limited, Some("120")), "banned 120 s");
    assert_eq!(rest(418, "", None), "banned 120 s");
    assert_eq!(rest(418, "", Some("99999999999")), "banned 345600 s");
    assert_eq!(rest(418, "", Some("1700000009000")), "banned 9 s");
    assert_eq!(rest(403, "<html>", None), "banned 300 s");
    assert_eq!(
        rest(429, r#"{"code":-1015,"msg":"Too many new orders"}"#, None),
        "orders limited 10 s"
    );
    assert_eq!(
        rest(400, r#"{"code":-1015,"msg":"Too many new orders"}"#, None),
        "orders limited 10 s"
    );
}

#[test]
fn frames_are_judged_alike() {
    let frame = |text: &str| {
        let frame = Frame::parse(text.as_bytes()).unwrap();
        show(&judge_frame::<ServerTime>(&frame, NOW))
    };
    assert_eq!(frame(r#"{"id":1,"status":200,"result":{"serverTime":1}}"#), "confirmed");
    assert_eq!(frame(r#"{"id":1,"status":200}"#), "unknown: the venue answered with status 200");
    assert_eq!(
        frame(
            r#"{"id":1,"status":418,"error":{"code":-1003,"msg":"banned","data":{"serverTime":1,"retryAfter":1700000300000}}}"#
        ),
        "banned 300 s"
    );
    assert_eq!(
        frame(r#"{"id":1,"status":503,"error":{"code":-1008,"msg":"busy"}}"#),
        "unknown: the venue answered with status 503"
    );
    assert_eq!(
        frame(r#"{"id":1,"status":400,"error":{"code":-2010,"msg":"Market is closed."}}"#),
        "rejected -2010 Rejected Some(MarketClosed)"
    );
}

#[test]
fn halves_have_outcomes_of_their_own() {
    let body = r#"{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":{"symbol":"BTCUSDT","origClientOrderId":"a","orderId":3,"orderListId":-1,"clientOrderId":"b","transactTime":1684804350068,"price":"0.006123","origQty":"10000.000000","executedQty":"0.000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT_MAKER","side":"SELL"},"newOrderResponse":{"code":-2010,"msg":"Order would immediately match and take."}}}"#;
    for status in [400, 409, 429] {
        let reply = Reply { status, body: body.as_bytes(), retry_after: None };
        let Outcome::Confirmed(answer) = judge::<CancelReplaceAnswer<'_>>(&reply, NOW) else {
            panic!("{status}");
        };
        assert_eq!(show(&answer.cancel.outcome(NOW).unwrap()), "confirmed");
        assert_eq!(
            show(&answer.new_order.outcome(NOW).unwrap()),
            "rejected -2010 Rejected Some(WouldTake)"
        );
    }
    let reply = Reply { status: 500, body: body.as_bytes(), retry_after: None };
    assert!(matches!(judge::<CancelReplaceAnswer<'_>>(&reply, NOW), Outcome::Unknown(_)));
    let stopped = r#"{"code":-2022,"msg":"Order cancel-replace failed.","data":{"cancelResult":"FAILURE","newOrderResult":"NOT_ATTEMPTED","cancelResponse":{"code":-1007,"msg":"Timeout"},"newOrderResponse":null}}"#;
    let reply = Reply { status: 400, body: stopped.as_bytes(), retry_after: None };
    let Outcome::Confirmed(answer) = judge::<CancelReplaceAnswer<'_>>(&reply, NOW) else {
        panic!("halves");
    };
    assert_eq!(
        show(&answer.cancel.outcome(NOW).unwrap()),
        "unknown: the venue answered -1007: Timeout"
    );
    assert!(answer.new_order.outcome(NOW).is_none());
}

#[test]
fn the_table_is_sound() {
    let mut seen = std::collections::BTreeSet::new();
    for code in ErrorCode::ALL {
        assert!(seen.insert(code.code()), "{} twice", code.code());
        assert_eq!(ErrorCode::of(code.code()), Some(*code));
        assert!(!code.meaning().is_empty() && !code.meaning().starts_with(' '));
        assert!(
            code.name().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
            "{}",
            code.name()
        );
    }
    for (reason, text) in Reason::TEXTS {
        assert_eq!(Reason::of(text), Some(*reason));
    }
}
