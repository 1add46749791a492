//! Answers of futures, judged.

use sandpit_core::time::UnixNanos;

use super::*;
use crate::binance::{
    error_code::{Codes, LossCause, Outcome, Reply, judge_by},
    response::{Answer, DecodeError},
};

const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

struct Done;

impl Answer<'_> for Done {
    const WHAT: &'static str = "an answer";

    fn decode(_: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

fn judged(status: u16, body: &str) -> String {
    let reply = Reply { status, body: body.as_bytes(), retry_after: None };
    match judge_by::<Done>(Codes::Usdm, &reply, NOW) {
        Outcome::Confirmed(Done) => "confirmed".to_owned(),
        Outcome::Rejected(rejection) => {
            format!("rejected {} {:?}", rejection.code, rejection.class)
        }
        Outcome::Unknown(LossCause::Code { code, .. }) => format!("unknown {code}"),
        Outcome::Unknown(cause) => format!("unknown: {cause}"),
        Outcome::RateLimited { orders_only, .. } => format!("limited, orders only: {orders_only}"),
        Outcome::Banned { .. } => "banned".to_owned(),
    }
}

#[test]
fn what_answers_prove() {
    let check = |status, body: &str, expected: &str| assert_eq!(judged(status, body), expected);
    check(200, "{}", "confirmed");
    // These two are halves of a cancel-replace on Spot.
    check(
        400,
        r#"{"code":-2021,"msg":"Order would immediately trigger."}"#,
        "rejected -2021 Rejected",
    );
    check(
        400,
        r#"{"code":-2022,"msg":"ReduceOnly Order is rejected."}"#,
        "rejected -2022 Rejected",
    );
    check(400, r#"{"code":-4061,"msg":"x"}"#, "rejected -4061 Rejected");
    check(400, r#"{"code":-5028,"msg":"x"}"#, "rejected -5028 ClockSkew");
    check(400, r#"{"code":-4116,"msg":"ClientOrderId is duplicated."}"#, "unknown -4116");
    for code in [-1000, -1001, -1006, -1007] {
        check(400, &format!(r#"{{"code":{code},"msg":"x"}}"#), &format!("unknown {code}"));
    }
    check(400, r#"{"code":-99999,"msg":"new"}"#, "rejected -99999 Rejected");
    check(429, r#"{"code":-1003,"msg":"x"}"#, "limited, orders only: false");
    check(429, r#"{"code":-1015,"msg":"x"}"#, "limited, orders only: true");
    check(418, "", "banned");
    check(403, "<html>", "banned");
    let lost = "unknown: the venue answered with status ";
    check(408, r#"{"code":-1007,"msg":"Timeout waiting for response"}"#, &format!("{lost}408"));
    check(408, r#"{"code":-4000,"msg":"x"}"#, &format!("{lost}408"));
    check(500, r#"{"code":-2022,"msg":"x"}"#, &format!("{lost}500"));
}

#[test]
fn a_status_of_503_means_what_its_words_mean() {
    let check = |body: &str, expected: &str| assert_eq!(judged(503, body), expected);
    let lost = "unknown: the venue answered with status 503";
    check(
        r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#,
        lost,
    );
    check(
        r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#,
        lost,
    );
    check(r#"{"code":-1000,"msg":"Service Unavailable."}"#, "rejected -1000 Unknown");
    check(
        r#"{"code":-1008,"msg":"Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}"#,
        "rejected -1008 Rejected",
    );
    // Some proxy's page is not the venue's word.
    check("Service Unavailable.", lost);
    check("<html>Service Unavailable.</html>", lost);
    check("", lost);
}

#[test]
fn codes_are_there_once_and_have_their_class() {
    let mut numbers: Vec<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), count), (count, 206));
    assert!(says_no_such_order(-2011) && says_no_such_order(-2013) && !says_no_such_order(-2010));
    let unknown: Vec<_> = ErrorCode::ALL
        .iter()
        .filter(|code| code.class() == Class::Unknown)
        .map(|code| code.code())
        .collect();
    assert_eq!(unknown, [-1000, -1001, -1006, -1007, -1016, -2012, -4078, -4083, -4116]);
}
