//! Memory and time do not grow with the tape.

use super::play::{Play, Random, START};

/// Two million marks over eleven years, with fills all along; every list stays within its bound.
#[test]
fn long_tapes_fit() {
    const EVENTS: u64 = 2_000_000;
    let mut play = Play::new(&["AAA"], &["one"], None);
    play.remember = false;
    let mut random = Random(3);
    let mut price = 20_000;
    for event in 0..EVENTS {
        let time = START + event * 174_000_000_000;
        price = (price + i64::try_from(random.below(41)).unwrap() * 5 - 100).clamp(5_000, 90_000);
        let held = event / 10 % 2 == 1;
        let orders = [(0, if held { -10 } else { 10 }, false)];
        play.event(time, 0, price, if event % 10 == 0 { &orders } else { &[] });
    }
    let report = play.finish();
    let scope = &report.account;
    assert_eq!(report.market.events.trades, EVENTS);
    assert_eq!(scope.metrics.fills, EVENTS / 10);
    assert_eq!(scope.metrics.trades, EVENTS / 20);
    assert!(scope.equity.points.len() <= 4_096 && scope.equity.points.len() > 1_000);
    assert!(scope.drawdown.points.len() <= 4_096);
    assert!(scope.fees.points.len() <= 2_048);
    assert!(report.market.instruments[0].price.points.len() <= 4_096);
    assert!(scope.instruments[0].position.points.len() <= 2_048);
    assert!(scope.instruments[0].fills.points.len() <= 512);
    assert!(report.trades.len() <= crate::report::TRADES_KEPT_MAX);
    assert!(scope.trade_pnl.counts.len() <= 60);
    assert!(scope.hours.len() <= 31 * 24);
    assert_eq!(scope.days.len(), 4_028);
    assert_eq!(scope.months.len(), 133);
    let html = crate::report::render_html(&report, None);
    super::keep("long.html", &html);
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}
